-- Revises: 09cfdda155d1
-- Title: retention
ALTER TABLE messages ADD COLUMN expires_at timestamp;
