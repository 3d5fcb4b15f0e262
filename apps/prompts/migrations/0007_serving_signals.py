"""At the commit of whatever changes an answer the database calls out the names of the prompts: one call a name.

More than twenty at once are called "*". Those who keep answers (apps/api/serving) drop what is named.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION prompts_call_out(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    IF cardinality(names) > 20 THEN
        PERFORM pg_notify('opsportal_prompts', '["*"]');
        RETURN;
    END IF;
    FOREACH one IN ARRAY names LOOP
        PERFORM pg_notify('opsportal_prompts', json_build_array('prompt:' || one)::text);
    END LOOP;
END $$;

CREATE FUNCTION prompts_answer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prompts_call_out(ARRAY(
        SELECT DISTINCT prompt.name FROM prompts_prompt AS prompt
        WHERE prompt.id IN (SELECT prompt_id FROM changed) LIMIT 21
    ));
    RETURN NULL;
END $$;

CREATE FUNCTION prompts_rollout_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prompts_call_out(ARRAY(
        SELECT DISTINCT prompt.name FROM changed
        JOIN prompts_promptlabel AS label ON label.id = changed.label_id
        JOIN prompts_prompt AS prompt ON prompt.id = label.prompt_id LIMIT 21
    ));
    RETURN NULL;
END $$;

CREATE FUNCTION prompts_prompt_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prompts_call_out(ARRAY(SELECT DISTINCT name FROM changed LIMIT 21));
    RETURN NULL;
END $$;

CREATE FUNCTION prompts_prompt_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prompts_call_out(ARRAY(
        SELECT DISTINCT unnest(ARRAY[was.name, so.name]) FROM before AS was JOIN changed AS so USING (id)
        WHERE (was.name, was.folder, was.kind, was.source_id, was.labels, was.gone_at IS NULL)
              IS DISTINCT FROM (so.name, so.folder, so.kind, so.source_id, so.labels, so.gone_at IS NULL)
        LIMIT 21
    ));
    RETURN NULL;
END $$;

CREATE FUNCTION prompts_everything_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('opsportal_prompts', '["*"]');
    RETURN NULL;
END $$;

CREATE TRIGGER label_added AFTER INSERT ON prompts_promptlabel
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER label_changed AFTER UPDATE ON prompts_promptlabel
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER label_removed AFTER DELETE ON prompts_promptlabel
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER version_added AFTER INSERT ON prompts_promptversion
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER version_changed AFTER UPDATE ON prompts_promptversion
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER version_removed AFTER DELETE ON prompts_promptversion
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER rollout_added AFTER INSERT ON prompts_labelrollout
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_rollout_changed();
CREATE TRIGGER rollout_changed AFTER UPDATE ON prompts_labelrollout
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_rollout_changed();
CREATE TRIGGER rollout_removed AFTER DELETE ON prompts_labelrollout
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_rollout_changed();
CREATE TRIGGER request_changed AFTER UPDATE ON prompts_changerequest
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_answer_changed();
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE ON prompts_approvalpolicy
    FOR EACH STATEMENT EXECUTE FUNCTION prompts_everything_changed();
CREATE TRIGGER prompt_added AFTER INSERT ON prompts_prompt
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_prompt_changed();
CREATE TRIGGER prompt_changed AFTER UPDATE ON prompts_prompt
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION prompts_prompt_updated();
CREATE TRIGGER prompt_removed AFTER DELETE ON prompts_prompt
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prompts_prompt_changed();
CREATE TRIGGER source_renamed AFTER UPDATE OF slug ON sources_source
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION prompts_everything_changed();
"""
BACKWARDS = """
DROP TRIGGER source_renamed ON sources_source;
DROP TRIGGER label_added ON prompts_promptlabel;
DROP TRIGGER label_changed ON prompts_promptlabel;
DROP TRIGGER label_removed ON prompts_promptlabel;
DROP TRIGGER version_added ON prompts_promptversion;
DROP TRIGGER version_changed ON prompts_promptversion;
DROP TRIGGER version_removed ON prompts_promptversion;
DROP TRIGGER rollout_added ON prompts_labelrollout;
DROP TRIGGER rollout_changed ON prompts_labelrollout;
DROP TRIGGER rollout_removed ON prompts_labelrollout;
DROP TRIGGER rules_changed ON prompts_approvalpolicy;
DROP TRIGGER request_changed ON prompts_changerequest;
DROP TRIGGER prompt_added ON prompts_prompt;
DROP TRIGGER prompt_changed ON prompts_prompt;
DROP TRIGGER prompt_removed ON prompts_prompt;
DROP FUNCTION prompts_everything_changed();
DROP FUNCTION prompts_prompt_updated();
DROP FUNCTION prompts_prompt_changed();
DROP FUNCTION prompts_rollout_changed();
DROP FUNCTION prompts_answer_changed();
DROP FUNCTION prompts_call_out(text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("prompts", "0006_serving"), ("sources", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
