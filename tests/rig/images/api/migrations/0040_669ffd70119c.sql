-- Revises: ae662b25d9bc
-- Title: triggers
CREATE TABLE trigger_subscriptions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), app_id uuid NOT NULL REFERENCES apps (id), endpoint text NOT NULL);
