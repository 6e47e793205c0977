"""What is displayed: last expressions, rich forms, updates, figures, widgets."""

from __future__ import annotations

import base64
import importlib.util

from .casework import Case, bundle, case, code, err, notebook, out, raised, result, shown

#: One black pixel.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def cases() -> list[Case]:
    """Return the cases of this file. One needs matplotlib, and is left out where it is not installed."""
    found = [*_last_values(), *_forms(), *_by_type(), *_updates(), *_widgets(), _fake_figure()]
    return [*found, _matplotlib()] if importlib.util.find_spec("matplotlib") else found


def _last_values() -> list[Case]:
    return [
        case(
            "last_expression",
            "1\n2",
            "3;",
            "4  # a comment",
            "x = 5",
            "(6,\n 7)",
            "if True:\n    8",
            "None",
            "'text'; 9",
            "'a'; 'b';",
            "x;  # quiet",
            "def f(): return 10\nf()",
            "y: int = 3",
            "x += 1\nprint(x)",
            "lambda: 0",
            values={"x": 6, "y": 3},
            outputs={
                1: [result("2")],
                2: [],
                3: [result("4")],
                4: [],
                5: [result("(6, 7)")],
                6: [],
                7: [],
                8: [result("9")],
                9: [],
                10: [],
                11: [result("10")],
                12: [],
                13: [out("6\n")],
                14: [result("<function __main__.<lambda>()>")],
            },
        ),
        case(
            "history",
            "40",
            "_ + 2",
            "__, _",
            "Out[1], _2, In[1], _i2",
            "_ = 'mine'\n50",
            "_",
            "last = Out[1] + _2\nsorted(Out)",
            "kept = {str(key): value for key, value in Out.items()}\nkept = kept['1']",
            "_oh is Out, len(In)",
            values={"last": 82, "kept": 40},
            outputs={1: [result("40")], 2: [result("42")], 3: [result("(40, 42)")]},
        ),
        case(
            "pretty_printing",
            "import collections, dataclasses, datetime, enum, fractions\nlist(range(60))",
            "{n: str(n) * 8 for n in range(12)}",
            "{'b', 'a', 'c'}",
            "collections.Counter('aab'), collections.OrderedDict(a=1), collections.deque([1]), "
            "collections.defaultdict(int)",
            "@dataclasses.dataclass\nclass Point:\n    x: int\n    y: float = 0.5\nPoint(1)",
            "class Colour(enum.Enum):\n    RED = 1\nColour.RED, Colour",
            "print, len, type(Point), Point, collections, dict, int.__add__",
            "x = [1]\nx.append(x)\nx",
            "datetime.date(2024, 1, 2), fractions.Fraction(1, 3), 1e-7, 10**30, 3 + 4j, float('nan'), b'\\x00', ...",
            "import numpy as np\nnp.arange(12.0).reshape(3, 4)",
            "np.float64(1.5), np.zeros(0), np.array(['a']), np.arange(2000)",
            outputs={
                3: [result("{'a', 'b', 'c'}")],
                5: [result("Point(x=1, y=0.5)")],
                8: [result("[1, [...]]")],
                10: [
                    result("array([[ 0.,  1.,  2.,  3.],\n       [ 4.,  5.,  6.,  7.],\n       [ 8.,  9., 10., 11.]])")
                ],
            },
        ),
    ]


def _forms() -> list[Case]:
    pixel = f"import base64\npixel = base64.b64decode({base64.b64encode(PNG).decode()!r})"
    return [
        case(
            "rich_displays",
            "from IPython.display import *\nHTML('<b>bold</b>')",
            "display(Markdown('# Title'), Latex('$x^2$'), Math('y'))",
            "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')",
            "JSON({'a': [1, 2, None]})",
            f"{pixel}\nImage(pixel)",
            "display(Javascript('1;'), Code('x = 1', language='python'))",
            "display(Image(pixel, width=3), GeoJSON({'type': 'Point', 'coordinates': [1, 2]}))",
            "display(Pretty('as it is'), FileLink('missing.txt'), IFrame('https://example.org', 3, 4))",
            "Audio([0, 1, 0], rate=8000)",
            "ProgressBar(3)",
            outputs={
                1: [result("<IPython.core.display.HTML object>", html="<b>bold</b>")],
                3: [result("<IPython.core.display.SVG object>", svg='<svg xmlns="http://www.w3.org/2000/svg"/>')],
                4: [
                    (
                        "result",
                        {"application/json": {"a": [1, 2, None]}, "text/plain": "<IPython.core.display.JSON object>"},
                        {"application/json": {"expanded": False, "root": "root"}},
                    )
                ],
            },
        ),
        case(
            "mime_bundles",
            "display({'text/plain': 'plain', 'application/x-mine+json': {'a': 1}}, raw=True)",
            "display({'text/plain': 'p', 'text/html': 'h'}, raw=True, metadata={'text/html': {'isolated': True}})",
            "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'published'})",
            "display({'a': 1}, [2], 'three', 4.0)",
            "display('only plain', include=['text/plain'])\n"
            "display(HTML('<i/>') if 'HTML' in globals() else 1, exclude=['text/html'])",
            "display()",
            outputs={
                1: [bundle("display", {"text/plain": "plain", "application/x-mine+json": {"a": 1}})],
                2: [("display", {"text/plain": "p", "text/html": "h"}, {"text/html": {"isolated": True}})],
                3: [shown("published")],
                4: [shown("{'a': 1}"), shown("[2]"), shown("'three'"), shown("4.0")],
                6: [],
            },
        ),
    ]


def _by_type() -> list[Case]:
    return [
        case(
            "reprs",
            "class Frame:\n    def __repr__(self): return '   a\\n0  1'\n"
            "    def _repr_html_(self): return '<table><tr><td>1</td></tr></table>'\nFrame()",
            "class Everything:\n    def _repr_html_(self): return '<p/>'\n    def _repr_markdown_(self): return '*m*'\n"
            "    def _repr_latex_(self): return '$l$'\n    def _repr_svg_(self): return '<svg/>'\n"
            "    def _repr_json_(self): return {'j': 1}\n    def __repr__(self): return 'E'\nEverything()",
            "class Bundle:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
            "        return {'text/plain': 'b', 'text/x-own': 'own'}, {'text/x-own': {'m': 1}}\nBundle()",
            "class Shows:\n    def _ipython_display_(self): print('shown by itself')\nShows()",
            "class Prettied:\n    def _repr_pretty_(self, p, cycle): p.text('pretty')\n[Prettied(), Prettied()]",
            "class Nothing:\n    def _repr_html_(self): return None\n    def __repr__(self): return 'N'\nNothing()",
            "class Wrong:\n    def _repr_html_(self): return 5\n    def __repr__(self): return 'W'\nWrong()",
            "class Lines:\n    def __repr__(self): return 'one\\ntwo'\n[Lines()]",
            outputs={
                1: [result("   a\n0  1", html="<table><tr><td>1</td></tr></table>")],
                2: [result("E", html="<p/>", md="*m*", latex="$l$", svg="<svg/>", json={"j": 1})],
                3: [("result", {"text/plain": "b", "text/x-own": "own"}, {"text/x-own": {"m": 1}})],
                4: [out("shown by itself\n")],
                5: [result("[pretty, pretty]")],
                6: [result("N")],
                8: [result("[one\n two]")],
            },
        ),
        case(
            "reprs_that_fail",
            "class Bad:\n    def __repr__(self): raise ValueError('no repr')\nbad = Bad()\nprint('made')",
            "bad",
            "[bad]",
            "class BadHtml:\n    def _repr_html_(self): raise KeyError('no html')\n"
            "    def __repr__(self): return 'B'\nBadHtml()",
            "display(bad)\nreached = True",
            "print(bad)",
            "class NoText:\n    def __repr__(self): return 3\nNoText()",
            "after = 1",
            values={"after": 1, "reached": True},
            errors=((2, "ValueError"), (3, "ValueError"), (4, "KeyError"), (6, "ValueError"), (7, "TypeError")),
            outputs={1: [out("made\n")]},
        ),
    ]


def _updates() -> list[Case]:
    return [
        case(
            "update_display",
            "handle = display('one', display_id='first')\ndisplay('other')",
            "handle.update('two')\nprint('after')",
            "from IPython.display import update_display\nupdate_display('three', display_id='first')",
            "again = display(1, display_id=True)\nagain.update(2)",
            "handle.display('four')",
            "update_display('lost', display_id='nowhere')",
            outputs={2: [out("after\n")], 3: [], 6: []},
        ),
        case(
            "clear_output",
            "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
            "print('old')\nclear_output(wait=True)\nprint('new')",
            "print('kept')\nclear_output(wait=True)",
            "display(1)\nclear_output()\n2",
            "for n in range(3):\n    clear_output(wait=True)\n    print('step', n)",
            "clear_output()",
            outputs={
                1: [out("stays\n")],
                2: [out("new\n")],
                3: [out("kept\n")],
                4: [result("2")],
                5: [out("step 2\n")],
                6: [],
            },
        ),
    ]


def _widgets() -> list[Case]:
    view = {_WIDGET: {"model_id": "a1", "version_major": 2, "version_minor": 0}, "text/plain": "IntSlider(value=0)"}
    return [
        case(
            "widgets_fall_back_to_text",
            "class IntSlider:\n    def _repr_mimebundle_(self, **_):\n"
            f"        return {view!r}\n    def __repr__(self): return 'IntSlider(value=0)'\nIntSlider()",
            "display(IntSlider())",
            "from comm import create_comm\nchannel = create_comm(target_name='jupyter.widget', data={'state': {}})\n"
            "channel.send({'method': 'update'})\nidentified = len(channel.comm_id) > 0\nchannel.close()",
            # As ipywidgets' Output does, which takes the cell's output away where a front end listens.
            "model = {'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel', 'outputs': []}\n"
            "taker = create_comm(target_name='jupyter.widget', data={'state': {**model, 'msg_id': ''}})\n"
            "kernel = getattr(get_ipython(), 'kernel', None)\n"
            "asked = kernel.get_parent()['header']['msg_id'] if kernel is not None else ''\n"
            "taker.send({'method': 'update', 'state': {'msg_id': asked}})\nprint('inside')",
            "after = 1",
            values={"identified": True, "after": 1},
            outputs={1: [bundle("result", view)], 2: [bundle("display", view)], 3: [], 4: [out("inside\n")]},
        ),
        Case(
            "a_missing_library",
            notebook(code("import ipywidgets_that_is_not_there as widgets"), code("x = 1")),
            values={"x": 1},
            errors=((1, "ModuleNotFoundError"),),
            outputs={1: [raised("ModuleNotFoundError", "No module named 'ipywidgets_that_is_not_there'")], 2: []},
        ),
    ]


def _fake_figure() -> Case:
    return case(
        "a_figure_without_matplotlib",
        f"class Figure:\n    def _repr_png_(self): return {PNG!r}\n"
        "    def __repr__(self): return '<Figure size 1x1>'\nFigure()",
        "display(Figure())",
        "class Sized:\n    def _repr_png_(self): return b'\\x89PNG', {'width': 4}\n"
        "    def __repr__(self): return 'S'\nSized()",
        outputs={
            1: [result("<Figure size 1x1>", png=base64.b64encode(PNG).decode())],
            2: [shown("<Figure size 1x1>", png=base64.b64encode(PNG).decode())],
        },
    )


def _matplotlib() -> Case:
    return case(
        "matplotlib",
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        "plt.plot([1, 2, 3], label='loss')\nplt.legend()\nplt.show()",
        "figure, axes = plt.subplots()\naxes.plot([3, 1]);",
        "plt.figure()\nplt.title('left open')\nopen_figures = plt.get_fignums()",
        "curves = [list(map(float, line.get_ydata())) for line in axes.get_lines()]\nplt.savefig('a.png')",
        "figure",
        "print(plt.get_backend(), file=__import__('sys').stderr)",
        values={"open_figures": [1], "curves": [[3.0, 1.0]]},
        outputs={7: [err("inline\n")]},
    )
