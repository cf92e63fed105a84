-- Revises: 905527cc8fd3
-- Title: index messages by time
CREATE INDEX message_created_at_idx ON messages (created_at);
