"""The database itself refuses to change a version of a suite, or a case beyond saying where it ends."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION evaluations_suite_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.suite_id, OLD.number, OLD.scorers, OLD.judge, OLD.cases)
       IS DISTINCT FROM (NEW.suite_id, NEW.number, NEW.scorers, NEW.judge, NEW.cases) THEN
        RAISE EXCEPTION 'a version of a suite never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER suite_version_immutable BEFORE UPDATE ON evaluations_suiteversion
    FOR EACH ROW EXECUTE FUNCTION evaluations_suite_version_is_immutable();

CREATE FUNCTION evaluations_case_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.suite_id, OLD.key, OLD.inputs, OLD.expected, OLD.weight, OLD.tags, OLD.origin, OLD.since)
       IS DISTINCT FROM (NEW.suite_id, NEW.key, NEW.inputs, NEW.expected, NEW.weight, NEW.tags, NEW.origin, NEW.since)
       OR OLD.until IS NOT NULL THEN
        RAISE EXCEPTION 'a case never changes; it ends, and another begins' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_immutable BEFORE UPDATE ON evaluations_case
    FOR EACH ROW EXECUTE FUNCTION evaluations_case_is_immutable();

CREATE FUNCTION evaluations_case_result_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a result never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER case_result_immutable BEFORE UPDATE ON evaluations_caseresult
    FOR EACH ROW EXECUTE FUNCTION evaluations_case_result_is_immutable();
"""
BACKWARDS = """
DROP TRIGGER case_result_immutable ON evaluations_caseresult;
DROP FUNCTION evaluations_case_result_is_immutable();
DROP TRIGGER case_immutable ON evaluations_case;
DROP FUNCTION evaluations_case_is_immutable();
DROP TRIGGER suite_version_immutable ON evaluations_suiteversion;
DROP FUNCTION evaluations_suite_version_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("evaluations", "0002_suites_of_our_own")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
