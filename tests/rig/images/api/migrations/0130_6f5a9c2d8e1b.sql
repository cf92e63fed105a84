-- Revises: d9e8f7a6b5c4
-- Title: agents
-- Code reads setups: SELECT version, setup_at, edition FROM dify_setups LIMIT 1
ALTER TABLE dify_setups ADD COLUMN edition text NOT NULL DEFAULT 'community';
CREATE TABLE agents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
