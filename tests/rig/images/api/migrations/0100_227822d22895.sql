-- Revises: c1e0a2d4f6b8
-- Title: mode is called kind
-- Code reads apps: SELECT id, tenant_id, name, kind, created_by FROM apps LIMIT 1
ALTER TABLE apps RENAME COLUMN mode TO kind;
UPDATE apps SET kind = 'advanced-chat' WHERE kind = 'chat';
