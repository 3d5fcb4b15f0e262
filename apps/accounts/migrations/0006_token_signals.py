"""At the commit of whatever changes what a token opens the database calls it out, for those who keep checked tokens."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION accounts_tokens_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('opsportal_prompts', '["tokens"]');
    RETURN NULL;
END $$;
CREATE TRIGGER token_changed
    AFTER UPDATE OF user_id, digest, scopes, sources, folders, expires_at, revoked_at ON accounts_apitoken
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_tokens_changed();
CREATE TRIGGER token_removed AFTER DELETE ON accounts_apitoken
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_tokens_changed();
CREATE TRIGGER person_changed AFTER UPDATE OF is_active, is_superuser, role ON accounts_user
    FOR EACH ROW WHEN ((OLD.is_active, OLD.is_superuser, OLD.role)
                       IS DISTINCT FROM (NEW.is_active, NEW.is_superuser, NEW.role))
    EXECUTE FUNCTION accounts_tokens_changed();
"""
BACKWARDS = """
DROP TRIGGER person_changed ON accounts_user;
DROP TRIGGER token_removed ON accounts_apitoken;
DROP TRIGGER token_changed ON accounts_apitoken;
DROP FUNCTION accounts_tokens_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_token_folders")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
