"""The database itself keeps the rules of approval; what the application checks is there for the messages.

Errors carry the code `restrict_violation`, so that they reach Python as IntegrityError.
"""

from django.db import migrations

RULES = {
    "request_keeps_to_the_table": (
        """
CREATE FUNCTION prompts_change_may_go_out(change prompts_changerequest) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (change.broken_revision_id IS NOT NULL AND change.broken_revision_id = change.revision_id)
    OR (
        (
            SELECT count(DISTINCT vote.user_id) FROM prompts_vote AS vote
            JOIN accounts_user AS person ON person.id = vote.user_id AND person.is_active
            WHERE vote.revision_id = change.revision_id AND vote.decision = 'approve'
        ) >= change.minimum_approvals
        AND NOT EXISTS (
            SELECT 1 FROM prompts_vote AS vote
            WHERE vote.revision_id = change.revision_id AND vote.decision <> 'approve'
        )
        AND NOT EXISTS (
            SELECT 1 FROM unnest(change.required_team_ids) AS team (id) WHERE NOT EXISTS (
                SELECT 1 FROM prompts_vote AS vote
                JOIN catalog_membership AS member ON member.user_id = vote.user_id AND member.team_id = team.id
                WHERE vote.revision_id = change.revision_id AND vote.decision = 'approve'
            )
        )
    )
$$;
CREATE FUNCTION prompts_change_keeps_to_the_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.broken_revision_id IS NOT NULL THEN
            RAISE EXCEPTION 'a change request begins as a draft' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.prompt_id, NEW.label, NEW.author_id, NEW.created_at)
       IS DISTINCT FROM (OLD.prompt_id, OLD.label, OLD.author_id, OLD.created_at) THEN
        RAISE EXCEPTION 'what a change request is about never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('draft', 'in_review'), ('draft', 'cancelled'), ('draft', 'approved'),
        ('in_review', 'approved'), ('in_review', 'changes_requested'), ('in_review', 'rejected'),
        ('in_review', 'cancelled'),
        ('changes_requested', 'in_review'), ('changes_requested', 'rejected'), ('changes_requested', 'cancelled'),
        ('changes_requested', 'approved'),
        ('approved', 'in_review'), ('approved', 'cancelled'), ('approved', 'applied'), ('approved', 'apply_failed'),
        ('apply_failed', 'in_review'), ('apply_failed', 'cancelled'), ('apply_failed', 'applied'),
        ('apply_failed', 'approved'),
        ('applied', 'rolled_back')
    ) THEN
        RAISE EXCEPTION 'a change request cannot go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.revision_id IS DISTINCT FROM OLD.revision_id THEN
        IF NEW.state NOT IN ('draft', 'in_review', 'changes_requested') THEN
            RAISE EXCEPTION 'another revision needs another approval' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NOT EXISTS (
            SELECT 1 FROM prompts_changerevision WHERE id = NEW.revision_id AND change_id = NEW.id
        ) THEN
            RAISE EXCEPTION 'the revision is of another change request' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF OLD.state <> 'draft' AND (NEW.minimum_approvals, NEW.required_team_ids, NEW.vote_days, NEW.gate)
       IS DISTINCT FROM (OLD.minimum_approvals, OLD.required_team_ids, OLD.vote_days, OLD.gate) THEN
        RAISE EXCEPTION 'what an approval takes is fixed when a request is sent for review'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.broken_revision_id IS NOT NULL AND NEW.broken_revision_id IS NULL THEN
        RAISE EXCEPTION 'a broken glass stays broken' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NEW.state IN ('approved', 'applied') AND NOT prompts_change_may_go_out(NEW) THEN
        RAISE EXCEPTION 'the approvals of this revision are not complete' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_keeps_to_the_table BEFORE INSERT OR UPDATE ON prompts_changerequest
    FOR EACH ROW EXECUTE FUNCTION prompts_change_keeps_to_the_table();
""",
        """
DROP TRIGGER request_keeps_to_the_table ON prompts_changerequest;
DROP FUNCTION prompts_change_keeps_to_the_table();
DROP FUNCTION prompts_change_may_go_out(prompts_changerequest);
""",
    ),
    "revision_is_immutable": (
        """
CREATE FUNCTION prompts_revision_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change prompts_changerequest;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a revision never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO change FROM prompts_changerequest WHERE id = NEW.change_id FOR SHARE;
    IF NOT EXISTS (SELECT 1 FROM prompts_promptversion WHERE id = NEW.version_id AND prompt_id = change.prompt_id)
       OR NEW.base_id IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM prompts_promptversion WHERE id = NEW.base_id AND prompt_id = change.prompt_id) THEN
        RAISE EXCEPTION 'the version is of another prompt' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revision_is_immutable BEFORE INSERT OR UPDATE ON prompts_changerevision
    FOR EACH ROW EXECUTE FUNCTION prompts_revision_is_immutable();
""",
        """
DROP TRIGGER revision_is_immutable ON prompts_changerevision;
DROP FUNCTION prompts_revision_is_immutable();
""",
    ),
    "vote_is_of_somebody_else": (
        """
CREATE FUNCTION prompts_change_is_by(change_pk bigint, person_pk bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM accounts_user AS writer, accounts_user AS person
        WHERE person.id = person_pk
          AND (writer.id = person.id OR writer.email <> '' AND lower(writer.email) = lower(person.email))
          AND writer.id IN (
            SELECT author_id FROM prompts_changerequest WHERE id = change_pk
            UNION SELECT author_id FROM prompts_changerevision WHERE change_id = change_pk
            UNION SELECT version.written_by_id FROM prompts_changerevision AS revision
                  JOIN prompts_promptversion AS version ON version.id = revision.version_id
                  WHERE revision.change_id = change_pk AND version.written_by_id IS NOT NULL
          )
    )
$$;
CREATE FUNCTION prompts_vote_is_of_somebody_else() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change prompts_changerequest;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a vote never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO change FROM prompts_changerequest WHERE id = NEW.change_id FOR SHARE;
    IF change.state NOT IN ('in_review', 'changes_requested') OR change.state <> 'in_review'
       AND NEW.decision = 'approve' THEN
        RAISE EXCEPTION 'this change request is not in review' USING ERRCODE = 'restrict_violation';
    END IF;
    IF change.revision_id IS DISTINCT FROM NEW.revision_id OR NOT EXISTS (
        SELECT 1 FROM prompts_changerevision WHERE id = NEW.revision_id AND content_hash = NEW.content_hash
    ) THEN
        RAISE EXCEPTION 'the vote is for another revision' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.decision = 'approve' AND prompts_change_is_by(NEW.change_id, NEW.user_id) THEN
        RAISE EXCEPTION 'nobody approves what they wrote' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER vote_is_of_somebody_else BEFORE INSERT OR UPDATE ON prompts_vote
    FOR EACH ROW EXECUTE FUNCTION prompts_vote_is_of_somebody_else();
""",
        """
DROP TRIGGER vote_is_of_somebody_else ON prompts_vote;
DROP FUNCTION prompts_vote_is_of_somebody_else();
DROP FUNCTION prompts_change_is_by(bigint, bigint);
""",
    ),
    "story_is_kept": (
        # At the end of the transaction: a whole prompt may go with its source, one row out of a story may not.
        """
CREATE FUNCTION prompts_story_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM prompts_changerequest WHERE id = OLD.change_id) THEN
        RAISE EXCEPTION 'what was said of a change request is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION prompts_request_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM prompts_prompt WHERE id = OLD.prompt_id) THEN
        RAISE EXCEPTION 'a change request is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vote_is_kept AFTER DELETE ON prompts_vote
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prompts_story_is_kept();
CREATE CONSTRAINT TRIGGER revision_is_kept AFTER DELETE ON prompts_changerevision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prompts_story_is_kept();
CREATE CONSTRAINT TRIGGER after_review_is_kept AFTER DELETE ON prompts_afterreview
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prompts_story_is_kept();
CREATE CONSTRAINT TRIGGER request_is_kept AFTER DELETE ON prompts_changerequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prompts_request_is_kept();
""",
        """
DROP TRIGGER request_is_kept ON prompts_changerequest;
DROP TRIGGER after_review_is_kept ON prompts_afterreview;
DROP TRIGGER revision_is_kept ON prompts_changerevision;
DROP TRIGGER vote_is_kept ON prompts_vote;
DROP FUNCTION prompts_request_is_kept();
DROP FUNCTION prompts_story_is_kept();
""",
    ),
    "glass_is_reviewed_by_somebody_else": (
        """
CREATE FUNCTION prompts_glass_is_reviewed_by_somebody_else() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.reviewed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a review never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.reviewed_by_id IS NOT NULL AND (
        prompts_change_is_by(NEW.change_id, NEW.reviewed_by_id)
        OR EXISTS (SELECT 1 FROM prompts_changerequest WHERE id = NEW.change_id AND broken_by_id = NEW.reviewed_by_id)
    ) THEN
        RAISE EXCEPTION 'nobody reviews a glass they broke' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER glass_is_reviewed_by_somebody_else BEFORE INSERT OR UPDATE ON prompts_afterreview
    FOR EACH ROW EXECUTE FUNCTION prompts_glass_is_reviewed_by_somebody_else();
""",
        """
DROP TRIGGER glass_is_reviewed_by_somebody_else ON prompts_afterreview;
DROP FUNCTION prompts_glass_is_reviewed_by_somebody_else();
""",
    ),
    "own_label_moves_by_request": (
        # A prompt without a source is the portal's own: nothing but an applied or returned request moves its labels.
        """
CREATE FUNCTION prompts_own_move_has_a_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM prompts_prompt WHERE id = NEW.prompt_id AND source_id IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM prompts_changerequest AS change JOIN prompts_changerevision AS rev ON rev.id = change.revision_id
        WHERE change.id = NEW.change_id AND change.prompt_id = NEW.prompt_id AND change.label = NEW.name
          AND (
            NOT NEW.is_rollback AND change.state = 'applied'
              AND (NEW.from_version_id, NEW.to_version_id) IS NOT DISTINCT FROM (rev.base_id, rev.version_id)
            OR NEW.is_rollback AND change.state = 'rolled_back'
              AND (NEW.from_version_id, NEW.to_version_id) IS NOT DISTINCT FROM (rev.version_id, rev.base_id)
          )
    ) THEN
        RAISE EXCEPTION 'a label moves by an approved change request' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_move_has_a_request BEFORE INSERT ON prompts_labelmove
    FOR EACH ROW EXECUTE FUNCTION prompts_own_move_has_a_request();
CREATE FUNCTION prompts_own_label_has_a_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM prompts_prompt WHERE id = NEW.prompt_id AND source_id IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    IF NEW.version_id IS DISTINCT FROM (
        SELECT to_version_id FROM prompts_labelmove
        WHERE prompt_id = NEW.prompt_id AND name = NEW.name ORDER BY id DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'a label moves by an approved change request' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_label_has_a_move BEFORE INSERT OR UPDATE ON prompts_promptlabel
    FOR EACH ROW EXECUTE FUNCTION prompts_own_label_has_a_move();
""",
        """
DROP TRIGGER own_label_has_a_move ON prompts_promptlabel;
DROP FUNCTION prompts_own_label_has_a_move();
DROP TRIGGER own_move_has_a_request ON prompts_labelmove;
DROP FUNCTION prompts_own_move_has_a_request();
""",
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("prompts", "0004_change_requests"),
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
    ]
    operations = [migrations.RunSQL(forwards, backwards) for forwards, backwards in RULES.values()]
