"""Pages on the codes of the text (S001 to S049) and of variables and blocks (S160 to S179)."""

from __future__ import annotations

DOCS: dict[str, str] = {
    "S001": """What: a tab stands where white space separates or indents.
    Why: editors show a tab as two, four or eight columns, and indentation is what groups a spec.
    Cure: spaces; `check --fix` puts them in.""",
    "S002": """What: a line begins further left or right than the lines of its group.
    Why: the column says what a line belongs to.
    Cure: line it up; where one place is the only sensible one, `check --fix` does it.""",
    "S003": """What: a full-width sign such as `：` or `，`, or a full-width space, stands where YAML has its own.
    Why: an input method for Japanese, Chinese or Korean writes them, and they look almost alike.
    Cure: the plain sign; `check --fix` puts it in.""",
    "S004": """What: curly quotes stand where straight ones belong.
    Why: word processors and chat programs put them in; YAML takes them for letters.
    Cure: `"` or `'`; `check --fix` puts them in.""",
    "S005": """What: the space after a colon is missing.
    Bad: epochs:20
    Good: epochs: 20
    Cure: `check --fix` puts it in.""",
    "S006": """What: a key is written twice in one group.
    Why: most programs take the last one in silence; nobody can say which was meant.
    Cure: delete one of them.""",
    "S007": """What: a tag, as `!!python/object`, stands in front of a value.
    Why: tags can name code, and a spec never runs code.
    Cure: delete the tag.""",
    "S008": """What: an anchor (`&name`) marks a value.
    Why: anchors are hidden variables; specc has visible ones.
    Cure: `vars: {name: value}` and `$name`.""",
    "S009": """What: an alias (`*name`) stands in place of a value.
    Why: aliases of aliases can grow without bound, and a message could not point at the place.
    Cure: `vars: {name: value}` and `$name`.""",
    "S010": """What: a merge key (`<<`) pulls in keys from elsewhere.
    Why: what stands in a group must be visible there.
    Cure: write the keys out, or make it a block with parameters.""",
    "S011": """What: `---` begins a second document in the file.
    Why: one file is one spec.
    Cure: a file for each.""",
    "S012": """What: the spec is larger than 1 MiB.
    Why: a spec is written by a person; larger ones are data.
    Cure: long lists of names into a file of their own: `classes: {file: names.txt}`.""",
    "S013": """What: more than 64 levels of nesting.
    Why: no spec needs them, and programs that read them can crash.
    Cure: blocks instead of nesting.""",
    "S014": """What: an invisible byte order mark stands in front of the first letter.
    Cure: save as UTF-8 without it; `check --fix` takes it out.""",
    "S015": """What: the file is saved as UTF-16.
    Cure: save it as UTF-8.""",
    "S016": """What: the file is not UTF-8 text.
    Why: in another encoding a letter such as `é` or `肺` would be read as something else.
    Cure: save it as UTF-8.""",
    "S017": """What: the text holds a control character.
    Why: it can hide or cut what follows.
    Cure: delete it.""",
    "S018": """What: the text holds half of a character (a lone surrogate).
    Why: no file can hold it; the text was damaged on its way.
    Cure: write it again.""",
    "S019": """What: the text holds an invisible character, such as a change of direction or a zero-width space.
    Why: the text can look different from what is read.
    Cure: delete it.""",
    "S020": """What: a bare carriage return ends a line.
    Why: some programs see one line where others see two, so that a comment could hide a value.
    Cure: save with line ends of Unix or Windows.""",
    "S021": """What: a number of more digits than any number here can have.
    Cure: a shorter one, or quotes where text is meant.""",
    "S022": """What: a quotation mark is opened and never closed.
    Cure: close it.""",
    "S023": """What: a `,` or a closing bracket is missing, or stands without a value.
    Bad: size: [32, 32
    Good: size: [32, 32]""",
    "S024": """What: a line has no key: a colon with a space behind it is missing.
    Bad: epochs 20
    Good: epochs: 20""",
    "S025": """What: a value begins with a sign that means something else in YAML, or a text block is not well-formed.
    Cure: quotation marks around the value.""",
    "S026": """What: a backslash in double quotes stands for nothing.
    Bad: "C:\\data"
    Good: 'C:\\data'""",
    "S027": """What: a second colon on one line.
    Bad: card: note: first
    Good: card: "note: first" """,
    "S028": """What: a key is no single word.
    Cure: a key is one word, followed by a colon and a space.""",
    "S029": """What: the spec is empty, or is a list or one piece of text.
    Cure: `key: value` lines that begin with `specc: 1`.""",
    "S030": """What: a YAML directive (a line with `%`).
    Why: the language has one meaning, whatever stands in front of it.
    Cure: delete the line.""",
    "S031": """What: the line cannot be read as YAML, and none of the common reasons fits.
    Cure: look for a missing quote, colon, comma or bracket there or on the line before.""",
    "S040": """What: there is no file of that name.
    Cure: the specs in that folder are listed.""",
    "S041": """What: a folder was named where a spec belongs.
    Cure: name the YAML file in it.""",
    "S042": """What: the file cannot be read.
    Cure: look at its rights.""",
    "S160": """What: `$name` names no variable and no parameter.
    Bad: conv2d: {filters: $width, kernel: 3}
    Good: the same, with vars: {width: 16} at the top""",
    "S161": """What: an expression has no value: only numbers, names, `+ - * // %` and parentheses may stand in it.
    Why: an expression is arithmetic and can never name code.""",
    "S162": """What: a name of a variable, block, parameter or id that is not allowed.
    Why: names become names in the program: small letters, digits and `_`, a letter first, no word of Python.""",
    "S163": """What: a block contains itself, or blocks are nested too deep.
    Cure: `repeat: N` for the same block several times in a row.""",
    "S164": """What: a block is used without a parameter that it requires.
    Cure: give it: `block: {parameter: value}`.""",
    "S165": """What: a block is given a parameter that it does not have.
    Cure: the nearest name is shown.""",
    "S166": """What: `repeat` is not a whole number from 1 on.
    Cure: to leave a layer out, delete its line.""",
    "S167": """What: the spec grows too large when variables, blocks and repeats are unfolded.
    Why: a few lines could otherwise fill the memory.
    Cure: fewer repeats, smaller blocks.""",
    "S168": """What: two layers have the same id.
    Why: an id names one layer.
    Cure: another id for one of them.""",
    "S169": """What: an id is named that is not visible here.
    Why: a block sees `input`, its own ids and its parameters; from outside an inner id is `blockid.inner`.""",
    "S170": """What: `blocks` or `vars`, or a definition in them, is not well-formed.
    Good: blocks: {double: {params: {filters: required}, layers: [conv2d: {filters: $filters, kernel: 3}]}}""",
    "S172": """What: an inner id cannot be reached: the block has no id, or no layer of that name in it.
    Cure: give the block an id, and name it as `blockid.inner`.""",
    "S173": """What: `use` names no network that has a definition, or stands beside a definition.
    Why: `use` is another instance of the same layers with weights of its own; `input` and `outputs` may be its own.
    Good: networks: {a_to_b: {layers: [conv2d: {filters: 3, kernel: 3}]}, b_to_a: {use: a_to_b}}""",
    "S174": """What: an item of `layers` is neither a name nor one name with named arguments.
    Bad: - conv2d: 16
    Good: - conv2d: {filters: 16, kernel: 3}""",
}
