"""The words of the small world. Order matters: earlier entries are more frequent."""

# name, subject pronoun
NAMES = [
    ("Lily", "she"), ("Tom", "he"), ("Mia", "she"), ("Ben", "he"), ("Anna", "she"), ("Max", "he"),
    ("Nora", "she"), ("Leo", "he"), ("Sara", "she"), ("Sam", "he"), ("Ella", "she"), ("Finn", "he"),
    ("Rosa", "she"), ("Jack", "he"), ("Ivy", "she"), ("Oscar", "he"), ("Clara", "she"), ("Hugo", "he"),
    ("Emma", "she"), ("Paul", "he"), ("Ruby", "she"), ("Otto", "he"), ("Zoe", "she"), ("Will", "he"),
]

PRONOUNS = {
    "she": {"they": "she", "them": "her", "their": "her"},
    "he": {"they": "he", "them": "him", "their": "his"},
}

# "girl" stands for a child and becomes "boy" with a name that takes "he"
HEROES = ["girl", "rabbit", "bear", "mouse", "fox", "cat", "dog", "duck", "hedgehog", "frog"]
HELPERS = ["bird", "squirrel", "owl", "turtle", "horse", "goat", "fox", "rabbit", "bear", "mouse",
           "cat", "dog", "duck", "frog"]
CLIMBERS = ["squirrel", "cat", "bird", "owl"]

TRAITS = ["little", "small", "young", "kind", "brave", "shy", "clever", "happy"]
HELPER_TRAITS = ["old", "big", "wise", "friendly", "small", "gray", "brown"]

# a home, and what stands near it
HOMES = ["house", "cottage", "cabin", "hut"]
PLACES = ["forest", "river", "hill", "lake", "village", "farm", "sea", "meadow", "mountain", "pond"]
GROUND = ["garden", "forest", "meadow", "field", "park", "village", "valley"]

COLORS = ["red", "blue", "green", "yellow", "golden", "silver", "white"]
THINGS = ["ball", "kite", "hat", "drum", "lantern", "boat", "key", "bell", "book", "scarf", "basket",
          "blanket", "flute", "ring"]
FLYERS = ["kite", "hat", "scarf", "balloon"]
HIDING = ["behind a big tree", "under a bush", "near the old well", "under the bridge",
          "next to a gray stone", "behind the barn", "in the tall grass"]
FOOD = ["cake", "apple", "loaf of bread", "pie", "bowl of soup", "pear", "pot of honey", "bag of nuts"]
GIFTS = ["cake", "scarf", "drum", "kite", "basket", "song", "picture", "hat"]
SKILLS = ["swim", "sing", "dance", "fly a kite", "bake bread", "climb", "paint", "play the flute"]
FEARS = [("the dark", "lantern"), ("the storm", "blanket"), ("the deep water", "boat"),
         ("the big hill", "map"), ("the cold wind", "coat")]
WEATHER = ["sunny", "warm", "bright", "windy", "cold", "quiet"]

FINDS = ["ring", "key", "bell", "hat", "book", "flute"]
TRAPS = [("a deep hole", "rope"), ("a cold river", "long stick"), ("an old net", "knife"),
         ("a dark well", "ladder")]
GAMES = ["play", "sing", "run", "dance", "paint"]
HERO_NAMES = list(NAMES)
SMALL = []  # not empty: the small cast is in use


def small_cast():
    """One hero, one friend, and one thing for each plot: nothing has to be remembered over a distance,
    which a model learns in far fewer tokens than to copy names from the context."""
    SMALL.append(True)
    HERO_NAMES[:], NAMES[:] = NAMES[:1], NAMES[:2]
    for words in (HOMES, COLORS, THINGS, FLYERS, FOOD, GIFTS, SKILLS, FEARS, FINDS, TRAPS, GAMES):
        words[:] = words[:1]
    CLIMBERS[:] = ["squirrel", "cat"]
