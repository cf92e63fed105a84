-- Revises: 669ffd70119c
-- Title: names that other databases take too
ALTER TABLE documents ADD COLUMN summary text;
UPDATE documents SET summary = left(content, 20);
ALTER TABLE documents ALTER COLUMN summary SET NOT NULL;
ALTER TABLE documents ALTER COLUMN summary SET DEFAULT '';
