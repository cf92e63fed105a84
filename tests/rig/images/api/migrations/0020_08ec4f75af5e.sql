-- Revises: a91b476a53de
-- Title: plugins
ALTER TABLE providers ADD COLUMN plugin_id text;
CREATE TABLE account_plugin_permissions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants (id), install_permission text NOT NULL DEFAULT 'everyone');
