"""What people write about prompts and change requests."""

from apps.prompts.forms.changes import EditForm, NoteForm, ProposeForm, RemarkForm, ReviewForm, TimeForm
from apps.prompts.forms.policies import PolicyForm
from apps.prompts.forms.wording import PromptForm, VersionForm

__all__ = [
    "EditForm",
    "NoteForm",
    "PolicyForm",
    "PromptForm",
    "ProposeForm",
    "RemarkForm",
    "ReviewForm",
    "TimeForm",
    "VersionForm",
]
