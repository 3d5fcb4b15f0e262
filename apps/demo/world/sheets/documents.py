"""The prompts of the documents team: Invoice Reader and Meeting Notes."""

from __future__ import annotations

from apps.demo.world.sheets.base import Flaw, Sheet, warmth

INVOICE_READER = Sheet(
    feature="invoice-reader",
    registry="phoenix",
    text="""\
You read one invoice and return its figures. The text comes from OCR and may contain mistakes.

Supplier as we know it: {{supplier_name}} ({{country}})
Pages:
{{pages}}

Return JSON with exactly these keys:
{"number": string, "issued_on": "YYYY-MM-DD", "due_on": "YYYY-MM-DD or null", "currency": "ISO 4217",
 "net": string, "tax": string, "gross": string, "confidence": number}

- Amounts are strings with a point and two digits: "1234.50".
- <<sum>>
- <<dates>>
- <<several>>
- <<unsure>>
<<credit>>
<<currency>>
""",
    slots={
        "sum": (
            ("net + tax must equal gross; if not, read the figures again.", "Check that net and tax add up"),
            (
                "If net + tax differs from gross by more than 0.02, set confidence below 0.5.",
                "Low confidence if sums differ",
            ),
        ),
        "dates": (
            ("Read 03/04/2026 by the habit of {{country}}.", "Read dates by country"),
            (
                "Read 03/04/2026 by the habit of {{country}}; if both readings are possible, use the earlier.",
                "Earlier date if unclear",
            ),
        ),
        "several": (
            ("If the pages hold several invoices, read only the first.", "First invoice only"),
            ("If the pages hold several invoices, read the one addressed to Fernway.", "The one addressed to us"),
        ),
        "unsure": (
            ("Leave a value empty rather than guess.", "Empty rather than guessed"),
            (
                "Leave a value empty rather than guess, and say which in confidence.",
                "Lower confidence for empty values",
            ),
        ),
        "credit": (
            ("", "No rule for credit notes"),
            ("- A credit note has negative amounts.", "Credit notes are negative"),
        ),
        "currency": (
            ("", "Currency: leave it to the supplier's default"),
            ('- "kr" is SEK, NOK or DKK by {{country}}.', "Tell the krona from the krone"),
        ),
        "temperature": warmth("0.0", "0.1"),
    },
    flaws=(
        Flaw(
            "broken_format", "unsure",
            "Leave a value empty rather than guess. Put a short explanation of each doubt before the JSON.",
            "Explain doubts to the clerk",
        ),
        Flaw(
            "loose", "sum",
            "If net, tax and gross do not add up, correct the figure that looks wrong.",
            "Repair sums instead of failing",
        ),
    ),
    temperature="0.0",
    max_tokens="400",
)  # fmt: skip

MEETING_NOTES = Sheet(
    feature="meeting-notes",
    registry="phoenix",
    text="""\
You write the notes of a call from its transcript.

Call: {{title}}, {{started_at}}, {{duration}} minutes
People: {{participants}}

Transcript:
{{transcript}}

Write in {{language}}:

# In short
<<short>>

# Decisions
<<decisions>>

# To do
One line each: who, what, until when. <<owner>>

<<open>>
<<style>>
- Leave out small talk, jokes and whatever was said about people who were not there.
- <<names>>
""",
    slots={
        "short": (
            ("Three sentences that somebody who missed the call needs.", "Three sentences for who missed it"),
            ("Two sentences: why the call took place, and what came out.", "Two sentences: why, and what came out"),
            ("At most 60 words.", "At most 60 words"),
        ),
        "decisions": (
            ("Only what was agreed, each with the words that show it.", "Show the words of each decision"),
            ("Only what was agreed. If nothing was, write so.", "Say when nothing was agreed"),
        ),
        "owner": (
            ('If nobody took it, write "open".', "Open to-dos have no owner"),
            (
                "If nobody took it, name the person who raised it, with a question mark.",
                "Guess the owner with a question mark",
            ),
        ),
        "open": (
            ("", "Drop the list of open questions"),
            ("# Open questions\nWhat was asked and not answered.\n", "List the open questions"),
        ),
        "style": (
            ("", "No style rule"),
            ("- Write in the present tense.", "Present tense"),
            ("- Write plainly; spell out abbreviations once.", "Spell out abbreviations"),
        ),
        "names": (
            ("Use first names.", "First names"),
            ("Use names as they are in {{participants}}.", "Names as in the invitation"),
        ),
        "temperature": warmth("0.3", "0.2"),
    },
    flaws=(
        Flaw(
            "slow", "short",
            "Write a full summary of every topic first, then shorten it three times and keep the last version.",
            "Better summaries by shortening three times",
        ),
        Flaw(
            "evasive", "decisions",
            "List a decision only if everybody said yes in so many words.",
            "Only list decisions that are beyond doubt",
        ),
    ),
    temperature="0.3",
    max_tokens="1500",
)  # fmt: skip
