"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.prompts.views import changes, policies, prompts, reports, rollouts, serving, syncing, verbs, writing

app_name = "prompts"
urlpatterns = [
    path("", prompts.prompt_list, name="prompt-list"),
    path("write/", writing.prompt_create, name="prompt-create"),
    path("<int:pk>/", prompts.prompt_detail, name="prompt-detail"),
    path("<int:pk>/labels/", prompts.prompt_labels, name="prompt-labels"),
    path("<int:pk>/write/", writing.version_write, name="version-write"),
    path("<int:pk>/propose/", changes.change_propose, name="change-propose"),
    path("of/<int:feature_id>/", prompts.feature_prompts, name="feature-prompts"),
    path("changes/", changes.change_list, name="change-list"),
    path("changes/<int:pk>/", changes.change_detail, name="change-detail"),
    path("changes/<int:pk>/decision/", changes.change_decision, name="change-decision"),
    path("changes/<int:pk>/gate/", changes.change_gate, name="change-gate"),
    path("changes/<int:pk>/edit/", changes.change_edit, name="change-edit"),
    path("changes/<int:pk>/decide/", verbs.change_decide, name="change-decide"),
    path("changes/<int:pk>/submit/", verbs.change_submit, name="change-submit"),
    path("changes/<int:pk>/cancel/", verbs.change_cancel, name="change-cancel"),
    path("changes/<int:pk>/schedule/", verbs.change_schedule, name="change-schedule"),
    path("changes/<int:pk>/roll-back/", verbs.change_roll_back, name="change-roll-back"),
    path("changes/<int:pk>/break-glass/", verbs.change_break_glass, name="change-break-glass"),
    path("changes/<int:pk>/review-glass/", verbs.change_review_glass, name="change-review-glass"),
    path("changes/<int:pk>/comment/", verbs.change_comment, name="change-comment"),
    path("changes/comments/<int:pk>/settle/", verbs.comment_settle, name="comment-settle"),
    path("changes/<int:pk>/evidence.json", reports.evidence_json, name="evidence-json"),
    path("changes/<int:pk>/evidence.pdf", reports.evidence_pdf, name="evidence-pdf"),
    path("duties/", reports.duties, name="duties"),
    path("rules/", policies.policy_list, name="policy-list"),
    path("rules/new/", policies.policy_change, name="policy-create"),
    path("rules/<int:pk>/", policies.policy_change, name="policy-change"),
    path("rules/<int:pk>/remove/", policies.policy_remove, name="policy-remove"),
    path("<int:pk>/truth/", syncing.truth_change, name="truth-change"),
    path("<int:pk>/sync/", syncing.prompt_conflict, name="prompt-conflict"),
    path("<int:pk>/take-back/", syncing.version_take_back, name="version-take-back"),
    path("conflicts/<int:pk>/resolve/", syncing.conflict_resolve, name="conflict-resolve"),
    path("<int:pk>/serving/", serving.prompt_serving, name="prompt-serving"),
    path("<int:pk>/bypasses/", serving.prompt_bypasses, name="prompt-bypasses"),
    path("bypasses/<int:pk>/revert/", serving.bypass_revert, name="bypass-revert"),
    path("bypasses/<int:pk>/adopt/", serving.bypass_adopt, name="bypass-adopt"),
    path("<int:pk>/rollouts/", rollouts.prompt_rollouts, name="prompt-rollouts"),
    path("labels/<int:pk>/resume/", rollouts.rollout_resume, name="rollout-resume"),
    path("labels/<int:pk>/return/", rollouts.rollout_return, name="rollout-return"),
    path("hygiene/", serving.hygiene, name="hygiene"),
]
