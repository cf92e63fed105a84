-- Revises: 227822d22895
-- Title: collaboration
-- Code reads collaborators: SELECT app_id, account_id FROM app_collaborators LIMIT 1
CREATE TABLE app_collaborators (app_id uuid NOT NULL REFERENCES apps (id), account_id uuid NOT NULL REFERENCES accounts (id), PRIMARY KEY (app_id, account_id));
INSERT INTO app_collaborators SELECT apps.id, accounts.id FROM apps CROSS JOIN (SELECT id FROM accounts ORDER BY email LIMIT 1) AS accounts;
