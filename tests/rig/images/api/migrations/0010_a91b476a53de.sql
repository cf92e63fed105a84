-- Revises:
-- Title: the tables of 0.15
-- Code reads apps: SELECT id, tenant_id, name, mode FROM apps LIMIT 1
-- Code reads setups: SELECT version, setup_at FROM dify_setups LIMIT 1
CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE TABLE accounts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE apps (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants (id), name text NOT NULL, mode text NOT NULL DEFAULT 'chat');
CREATE TABLE datasets (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants (id), name text NOT NULL);
CREATE TABLE documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), dataset_id uuid NOT NULL REFERENCES datasets (id), name text NOT NULL, content text NOT NULL);
CREATE TABLE messages (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), query text NOT NULL, answer text NOT NULL, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE providers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), provider_name text NOT NULL, sealed text NOT NULL);
CREATE TABLE upload_files (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), key text NOT NULL, sha256 text NOT NULL);
CREATE TABLE dify_setups (version text PRIMARY KEY, setup_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX document_dataset_idx ON documents (dataset_id);
