"""English inflection for the words of the lexicon: rules, and the exceptions among them by name."""

from functools import lru_cache

VOWELS = "aeiou"

PAST = dict(pair.split(":") for pair in """
be:was become:became begin:began bite:bit blow:blew break:broke bring:brought build:built buy:bought
catch:caught choose:chose come:came creep:crept cut:cut dig:dug draw:drew drink:drank drive:drove
eat:ate fall:fell feed:fed feel:felt fight:fought find:found fly:flew forget:forgot freeze:froze
get:got give:gave go:went grow:grew hang:hung have:had hear:heard hide:hid hit:hit hold:held keep:kept
know:knew lead:led leap:leapt learn:learned leave:left lend:lent let:let lift:lifted light:lit lose:lost
make:made meet:met mend:mended pay:paid put:put read:read ride:rode ring:rang rise:rose run:ran say:said
see:saw sell:sold send:sent set:set sew:sewed shake:shook shine:shone show:showed shut:shut sing:sang
sink:sank sit:sat sleep:slept slide:slid sow:sowed speak:spoke spend:spent spin:spun split:split
spread:spread stand:stood steal:stole stick:stuck sweep:swept swim:swam swing:swung take:took
teach:taught tear:tore tell:told think:thought throw:threw understand:understood wake:woke wear:wore
weave:wove weep:wept win:won wind:wound write:wrote tread:trod stride:strode fling:flung bend:bent
""".split())

PLURAL = dict(pair.split(":") for pair in """
child:children goose:geese mouse:mice ox:oxen sheep:sheep deer:deer fish:fish wolf:wolves calf:calves
leaf:leaves loaf:loaves knife:knives shelf:shelves scarf:scarves foot:feet tooth:teeth man:men
woman:women trout:trout salmon:salmon bison:bison moose:moose squid:squid
""".split())

DOUBLED = set("""
unwrap stop hop skip drop clap pat tap rub hug nod plan trip grab drag beg chat hum spot trim wrap jog pop
dip sip zip slip flap chop snap big sad wet hot thin fat red dim slim fit mad run swim sit dig get put
let set shut hit cut spin win stir rob bat wag tug plod trot plug scrub scan knit begin
""".split())


@lru_cache(maxsize=None)
def article(phrase):
    """'a fox', 'an owl', 'an honest fox'."""
    sounded = phrase.startswith(("hour", "honest")) or (
        phrase[0].lower() in VOWELS and not phrase.startswith(("use", "uni", "one")))
    return ("an " if sounded else "a ") + phrase


def _ends_in_consonant_y(word):
    return word.endswith("y") and len(word) > 1 and word[-2] not in VOWELS


def _on_last(phrase, change):
    """Applies change to the last word of a phrase: 'plum cake' becomes 'plum cakes'."""
    head, _, last = phrase.rpartition(" ")
    return f"{head} {change(last)}" if head else change(last)


def _on_first(phrase, change):
    """Applies change to the first word of a phrase: 'look at' becomes 'looked at'."""
    first, _, tail = phrase.partition(" ")
    return f"{change(first)} {tail}" if tail else change(first)


def _s(word):
    if word in PLURAL:
        return PLURAL[word]
    if _ends_in_consonant_y(word):
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in ("potato", "tomato", "hero", "go", "echo"):
        return word + "es"
    return word + "s"


def _ed(word):
    if word in PAST:
        return PAST[word]
    if word.endswith("e"):
        return word + "d"
    if _ends_in_consonant_y(word):
        return word[:-1] + "ied"
    return (word + word[-1] if word in DOUBLED else word) + "ed"


def _ing(word):
    if word.endswith("ie"):
        return word[:-2] + "ying"
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        return word[:-1] + "ing"
    return (word + word[-1] if word in DOUBLED else word) + "ing"


def _graded(word, ending):
    if word == "good":
        return {"er": "better", "est": "best"}[ending]
    if word == "bad":
        return {"er": "worse", "est": "worst"}[ending]
    if word.endswith("e"):
        return word + ending[1:]
    if _ends_in_consonant_y(word):
        return word[:-1] + "i" + ending
    return (word + word[-1] if word in DOUBLED else word) + ending


FORMS = {
    "a": article,
    "s": lambda phrase: _on_last(phrase, _s),
    "ed": lambda phrase: _on_first(phrase, _ed),
    "ing": lambda phrase: _on_first(phrase, _ing),
    "es": lambda phrase: _on_first(phrase, _s),
    "er": lambda word: _graded(word, "er"),
    "est": lambda word: _graded(word, "est"),
}


@lru_cache(maxsize=None)
def inflect(form, phrase):
    return FORMS[form](phrase)
