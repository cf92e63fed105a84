-- Revises: 08ec4f75af5e
-- Title: tokens move to cookies
ALTER TABLE accounts ADD COLUMN last_active_at timestamp;
UPDATE accounts SET last_active_at = CURRENT_TIMESTAMP;
