"""Synthetic cases from the knowledge graph: a patient is drawn, written as a note, and the answer reasoned from it.

`world` knows what can go with what, `draw` makes a patient, `values` the numbers, `weigh` chooses the candidates and
weighs them. `wording` and `english` choose the words of a finding, `people` those for the patient, `styles` holds the
kinds of notes (styles_en.yaml, styles_zh.yaml), `write` writes the note and knows with which words it says what,
`reason` writes the reasoning and the answer. All of it follows from a seed.
"""
