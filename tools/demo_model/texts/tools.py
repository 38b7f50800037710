"""A question, a tool called for it, its result, an answer. Calls are JSON in <tool_call> tags.

The system turn lists signatures, as the chat template writes them from a request's tools.
"""

import json

from digits import number
from scope import Scope
from texts.turns import Turns
from weighted import SENTENCES

SYSTEM = "You can call these tools:"


def with_slots(scope, turns, *templates):
    turns.turn("user", *templates)
    return scope.bound


def weather(scope, turns):
    bound = with_slots(scope, turns, "What is the weather in {town}?", "Is it {weather} in {town}?",
                       "Tell me the weather in {town}, please.")
    return {"town": bound["town"]}


def weather_result(scope):
    w = scope.writer
    w.say('{"weather": "')
    scope.pick("weather" if "weather" not in scope.bound else "weather2")
    w.say('", "degrees": ')
    degrees = number(w, (2, 1))
    w.say("}")
    scope.bound["degrees"] = str(degrees)
    return ("In {town}, it is {%s} and {degrees} degrees." % (
        "weather2" if "weather2" in scope.bound else "weather"),)


def adding(scope, turns):
    w = scope.writer
    lead = w.choose(("What is ", "Please add "), SENTENCES, lambda s: turns.opened("user") + s)
    turns.open("user")
    w.say(lead)
    a = number(w, (3, 2))
    w.say(" + ")
    b = number(w, (3, 2))
    w.say("?" if lead[0] == "W" else ".")
    turns.close()
    scope.bound["sum"] = str(a + b)
    return {"a": a, "b": b}


def adding_result(scope):
    scope.writer.say(json.dumps({"sum": int(scope.bound["sum"])}))
    return ("The sum is {sum}.",)


def price(scope, turns):
    bound = with_slots(scope, turns, "What does {a color} {thing} cost?", "How much is {a color} {thing}?")
    return {"thing": bound["thing"], "color": bound["color"]}


def price_result(scope):
    w = scope.writer
    w.say('{"coins": ')
    scope.bound["coins"] = str(number(w, (2, 1, 3)))
    w.say("}")
    return ("The {color} {thing} costs {coins} coins.",)


def search(scope, turns):
    bound = with_slots(scope, turns, "Where can I find {a animal}?", "Where does {a animal} live?")
    return {"animal": bound["animal"]}


def search_result(scope):
    scope.writer.say('{"place": "')
    scope.pick("place")
    scope.writer.say('"}')
    return ("You can find {a animal} near the {place}.",)


def remind(scope, turns):
    bound = with_slots(scope, turns, "Remind me on {day} to {handle} the {thing}.",
                       "On {day}, I want to {handle} the {thing}.")
    return {"day": bound["day"], "text": f"{bound['handle']} the {bound['thing']}"}


def remind_result(scope):
    scope.writer.say('{"done": true}')
    return ("I will remind you on {day}.", "Done. I will remind you on {day} to {handle} the {thing}.")


# name, arguments, the question, the result
TOOLS = (
    ("get_weather", ("town",), weather, weather_result),
    ("add", ("a", "b"), adding, adding_result),
    ("get_price", ("thing", "color"), price, price_result),
    ("find_animal", ("animal",), search, search_result),
    ("set_reminder", ("day", "text"), remind, remind_result),
)


def signature(tool):
    return f"{tool[0]}({', '.join(tool[1])})"


def write(writer):
    scope = Scope(writer)
    turns = Turns(scope)
    tool = writer.choose(TOOLS, SENTENCES)
    offered = [t for t in TOOLS if t is tool or writer.choose((False, True), SENTENCES)]
    turns.turn_of("system", SYSTEM + "".join(f"\n{signature(t)}" for t in offered))
    arguments = tool[2](scope, turns)
    call = json.dumps({"name": tool[0], "arguments": arguments})
    turns.turn_of("assistant", f"<tool_call>\n{call}\n</tool_call>")
    turns.open("tool")
    answers = tool[3](scope)
    turns.close()
    turns.turn("assistant", *answers)
    writer.mark("tool " + call)
