-- Revises: 6b5f9f8b1a2c
-- Title: who made an app
ALTER TABLE apps ADD COLUMN created_by uuid;
