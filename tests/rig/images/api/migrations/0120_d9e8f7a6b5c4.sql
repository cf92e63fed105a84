-- Revises: a4f2d8c9b731
-- Title: model types
ALTER TABLE providers ADD COLUMN model_type text NOT NULL DEFAULT 'llm';
