"""Short stories: an opening, a small problem, help, an end."""

from lexicon import CLIMBERS, FEARS, FINDS, FLYERS, FOOD, GAMES, GIFTS, HIDING, SKILLS, SMALL, TRAPS
from texts.cast import Cast, an, capital


def opening(s):
    c, h = s.chooser, s.hero
    first = c.pick(
        f"Once upon a time, there was {an(h.trait)} {h.kind} named {h.name}.",
        f"Once upon a time, {an(h.trait)} {h.kind} named {h.name} lived in a {s.home} near the {s.place}.",
        f"There was once {an(h.trait)} {h.kind} named {h.name}.",
    )
    if s.home in first:
        return [first]
    return [first, c.pick(f"{h.They} lived in a {s.home} near the {s.place}.",
                          f"{h.name} lived in a small {s.home} by the {s.place}.")]


def meet(s, kinds=None, state=None):
    """The helper comes in, by name and kind."""
    c, h = s.chooser, s.hero
    p = s.helper(kinds) if kinds else s.helper()
    state = f"{state} " if state else f"{p.trait} "
    return c.pick(f"Then {h.they} met {an(state + p.kind)} named {p.name}.",
                  f"Soon {an(state + p.kind)} named {p.name} came by.",
                  f"On the way, {h.they} met {an(state + p.kind)} named {p.name}.")


def friends(s):
    c, h, p = s.chooser, s.hero, s.helper()
    return c.pick(f"From that day on, {h.name} and {p.name} were best friends.",
                  f"{h.name} and {p.name} played together all day.",
                  f"{h.name} and {p.name} went home with a smile.",
                  f"After that, {h.name} and {p.name} met every day.")


def thanks(s):
    c, h, p = s.chooser, s.hero, s.helper()
    return c.pick(f'"Thank you, {p.name}!" said {h.name}.',
                  f"{h.name} was very happy and thanked {p.name}.",
                  f'{h.name} gave {p.name} a big hug. "Thank you!" {h.they} said.')


def lost(s):
    c, h, thing, spot = s.chooser, s.hero, s.thing(), s.chooser.pick(HIDING)
    short = thing.split()[-1]
    out = [c.pick(f"{h.name} had {an(thing)} and loved it very much.",
                  f"{h.name} loved to play with {h.their} {thing}.",
                  f"{h.They} had {an(thing)} and took it everywhere."),
           f"{s.day()}, {h.name} could not find the {short}.",
           c.pick(f"{h.They} looked in the {s.home}, but it was not there.",
                  f"{h.They} looked in the {s.where()}, but it was not there.",
                  f"{h.They} was very sad and began to cry."),
           meet(s)]
    p = s.helper()
    out += [c.pick(f'"Have you seen my {thing}?" asked {h.name}.',
                   f'"I lost my {thing}," said {h.name}.'),
            c.pick(f'"I will help you look," said {p.name}.',
                   f'"Do not be sad. We will find it," said {p.name}.'),
            c.pick(f"They looked and looked, and at last {p.name} found the {short} {spot}.",
                   f"Together they found the {short} {spot}."),
            thanks(s), friends(s)]
    return out


def stuck(s):
    c, h = s.chooser, s.hero
    thing = s.thing(FLYERS)
    short = thing.split()[-1]
    out = [f"{s.day()}, {h.name} went to the {s.where()} with {h.their} {thing}.",
           c.pick(f"The wind took the {short} and it got stuck in a tall tree.",
                  f"A strong wind came, and the {short} flew up into a tree."),
           c.pick(f"{h.name} jumped and jumped, but the tree was too tall.",
                  f"{h.name} tried to reach it, but {h.they} was too small."),
           meet(s, CLIMBERS)]
    p = s.helper()
    verb = "flew" if p.kind in ("bird", "owl") else "climbed"
    out += [c.pick(f'"Can you help me?" asked {h.name}.',
                   f'"Please help me. My {short} is in the tree," said {h.name}.'),
            c.pick(f"{p.name} {verb} up the tree and came back with the {thing}.",
                   f"{p.name} {verb} to the top and got the {short} down."),
            thanks(s), friends(s)]
    return out


def share(s):
    c, h, food = s.chooser, s.hero, s.chooser.pick(FOOD)
    out = [f"{s.day()}, {h.name} had {an(food)} and sat down to eat it in the {s.where()}.",
           meet(s, state="hungry")]
    p = s.helper()
    out += [c.pick(f'"I have nothing to eat," said {p.name}.', f"{p.name} looked at the {food.split()[-1]} and was very sad."),
            c.pick(f"{h.name} thought for a moment. Then {h.they} gave half of it to {p.name}.",
                   f'"We can share it," said {h.name}, and {h.they} gave {p.name} half of it.'),
            c.pick("They ate together and it was very good.", f'"It is so good!" said {p.name}.'),
            c.pick(f"{h.name} learned that it is nice to share.", f"{h.name} was happy, because to share is better than to eat alone."),
            friends(s)]
    return out


def lonely(s):
    c, h = s.chooser, s.hero
    out = [c.pick(f"{h.name} had no friends and was very lonely.", f"{h.name} was often alone and wanted a friend."),
           f"{s.day()}, {h.they} walked to the {s.where()}.",
           meet(s, state=c.pick("sad", "lonely"))]
    p = s.helper()
    game = c.pick(GAMES)
    out += [c.pick(f'"Why are you sad?" asked {h.name}.', f'"Hello, {p.name}. Are you alone too?" asked {h.name}.'),
            c.pick(f'"I have no one to {game} with," said {p.name}.', f'"Yes. Nobody wants to {game} with me," said {p.name}.'),
            c.pick(f'"You can {game} with me!" said {h.name}.', f'"I like to {game} too," said {h.name}. "Come with me!"'),
            c.pick("They had so much fun." if SMALL else f"They had so much fun in the {s.where()}.", "They were not sad any more."),
            friends(s)]
    return out


def storm(s):
    c, h = s.chooser, s.hero
    out = [c.pick("One night, it rained and rained.", "One evening, there was a big storm.", "One winter night, it was very cold."),
           c.pick(f"{h.name} heard a knock at the door.", f"Someone knocked at the door of the {s.home}.")]
    p = s.helper()
    out += [f"It was {an(c.pick('wet', 'cold', 'tired') + ' ' + p.kind)} named {p.name}.",
            c.pick(f'"May I come in? I have no home," said {p.name}.', f'"I lost my way. Please let me in," said {p.name}.'),
            c.pick(f'"Of course," said {h.name}, and {h.they} opened the door.', f'"Come in!" said {h.name}. "You can stay here."'),
            f"{h.They} gave {p.name} {an(c.pick('warm blanket', 'bowl of soup', 'cup of tea'))}.",
            c.pick("In the morning, the sun came out.", f"{p.name} slept well all night."),
            thanks_back(s), friends(s)]
    return out


def thanks_back(s):
    c, h, p = s.chooser, s.hero, s.helper()
    return c.pick(f'"Thank you, {h.name}. You are very kind," said {p.name}.',
                  f'"Thank you, {h.name}!" said {p.name}.')


def fear(s):
    c, h = s.chooser, s.hero
    what, tool = c.pick(FEARS)
    out = [c.pick(f"{h.name} was afraid of {what}.", f"There was one thing {h.name} did not like. {h.They} was afraid of {what}."),
           f"{s.day()}, {h.they} told {an(s.helper().trait + ' ' + s.helper().kind)} named {s.helper().name} about it."]
    p = s.helper()
    out += [c.pick(f'"I was afraid of {what} too," said {p.name}.', f'"That is all right," said {p.name}.'),
            f'"Take this {tool}. I will go with you."',
            c.pick(f"{h.name} took the {tool} and they went together.", f"So {h.name} took the {tool}, and step by step they went on."),
            c.pick(f"Soon {h.name} was not afraid any more.", f"Nothing bad happened, and {h.name} began to laugh."),
            c.pick(f'"Now I am brave!" {h.they} said.', f'"You are very brave," said {p.name}.'),
            friends(s)]
    return out


def learn(s):
    c, h, skill = s.chooser, s.hero, s.chooser.pick(SKILLS)
    out = [c.pick(f"{h.name} wanted to {skill}, but {h.they} did not know how.", f"More than anything, {h.name} wanted to learn to {skill}."),
           f"{s.day()}, {h.they} tried, but it went wrong.",
           meet(s)]
    p = s.helper()
    out += [c.pick(f'"Can you show me how to {skill}?" asked {h.name}.', f'"I will never learn it," said {h.name}.'),
            c.pick(f'"Yes. You must try again and again," said {p.name}.', f'"Do not give up. I will show you," said {p.name}.'),
            c.pick(f"{h.name} tried every day, and {p.name} helped {h.them}.", "They worked on it every morning."),
            c.pick(f"At last {h.name} could {skill} very well.", f"After a week, {h.name} could {skill}."),
            c.pick(f"{h.They} was very proud.", f'"Look at me!" {h.they} said with a smile.'),
            friends(s)]
    return out


def gift(s):
    c, h, gift_ = s.chooser, s.hero, s.chooser.pick(GIFTS)
    p = s.helper()
    out = [f"{h.They} had {an(p.trait + ' ' + p.kind)} named {p.name} as a friend.",
           c.pick(f"{s.day()}, it was the birthday of {p.name}.", f"Tomorrow was the birthday of {p.name}."),
           c.pick(f"{h.name} had no money, so {h.they} could not buy a gift.", f"{h.name} did not know what to give."),
           c.pick(f'"I can make {an(gift_)} for {p.name}," {h.they} thought.', f'"I know! I will make {an(gift_)}," said {h.name}.'),
           c.pick(f"{h.They} worked all day, and then the {gift_} was ready.", f"It was hard work, but in the end the {gift_} was beautiful."),
           c.pick(f"{p.name} loved the {gift_} very much.", f'"What a beautiful {gift_}!" said {p.name}.'),
           thanks_back(s), friends(s)]
    return out


def rescue(s):
    c, h = s.chooser, s.hero
    trap, tool = c.pick(TRAPS)
    the_trap = "the " + trap.split()[-1]
    p = s.helper()
    out = [f"{s.day()}, {h.name} walked in the {s.where()} and heard a cry.",
           c.pick('"Help! Please help me!"', "Someone was in trouble."),
           f"{capital(an(p.trait + ' ' + p.kind))} named {p.name} was stuck in {trap}.",
           c.pick(f'"Do not be afraid. I will help you," said {h.name}.', f'"Wait here. I will come back," said {h.name}.'),
           f"{h.They} ran home and came back with {an(tool)}.",
           c.pick(f"With the {tool}, {h.name} got {p.name} out of {the_trap}.", f"{h.name} used the {tool}, and soon {p.name} was free."),
           thanks_back(s), friends(s)]
    return out


def honest(s):
    c, h, thing = s.chooser, s.hero, s.thing(FINDS)
    short = thing.split()[-1]
    out = [f"{s.day()}, {h.name} found {an(thing)} in the {s.where()}.",
           c.pick(f'"What a beautiful {short}! But it is not mine," {h.they} said.', f'"Who lost this {short}?" {h.they} asked.'),
           meet(s, state="sad")]
    p = s.helper()
    out += [c.pick(f'"I lost my {thing}," said {p.name}.', f'"Why are you sad?" asked {h.name}. "I lost my {short}," said {p.name}.'),
            c.pick(f'"Is this your {short}?" asked {h.name}.', f'"Here it is. I found it," said {h.name}.'),
            c.pick(f"{p.name} jumped for joy.", f'"Yes, that is my {thing}!" said {p.name}.'),
            thanks_back(s), friends(s)]
    return out


PLOTS = [lost, share, stuck, lonely, rescue, learn, storm, gift, fear, honest]


def tell(chooser, kind=None):
    """A finished story and its cast."""
    s = Cast(chooser, kind)
    lines = opening(s)
    plot = chooser.pick(PLOTS)
    lines += plot(s)
    if chooser.chance(0.4):
        lines.append("The end.")
    s.plot = plot.__name__
    return " ".join(lines), s


def write(chooser):
    text, s = tell(chooser)
    return text, s.combination()
