"""The database itself refuses to change what a bundle consists of."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION health_bundle_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a bundle never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER bundle_immutable BEFORE UPDATE ON health_bundle
    FOR EACH ROW EXECUTE FUNCTION health_bundle_is_immutable();
"""
BACKWARDS = """
DROP TRIGGER bundle_immutable ON health_bundle;
DROP FUNCTION health_bundle_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("health", "0003_consistency")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
