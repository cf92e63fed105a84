-- Revises: 788d3099ae3a
-- Title: runs go through the worker
CREATE TABLE workflow_runs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), message_id uuid, status text NOT NULL DEFAULT 'succeeded');
