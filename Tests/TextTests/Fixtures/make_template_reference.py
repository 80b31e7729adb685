#!/usr/bin/env python3
"""Writes template-reference.json: templates, variables, and what Python's jinja2 makes of them.

    pip install jinja2==3.1.6 gguf==0.19.0
    python3 make_template_reference.py MODEL.gguf

The environment is the one transformers uses for chat templates. A case is {"template", "variables", "output"}; an
output of null means that jinja2 raises an error. MODEL gives the default model's own template.
"""

import datetime
import json
import pathlib
import sys

import gguf
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 3, 9, 14, 5, 7)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise TemplateError(message)


ENV = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
ENV.filters["tojson"] = tojson
ENV.globals["raise_exception"] = raise_exception
ENV.globals["strftime_now"] = lambda format: NOW.strftime(format)

CHATML = """{%- for message in messages %}
    {%- if loop.first and message.role != 'system' %}
        {{- '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
LLAMA2 = """{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}
{% else %}{% set rest = messages %}{% set system = false %}{% endif %}
{% for message in rest %}
  {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
    {{ raise_exception('Roles must take turns') }}
  {% endif %}
  {% if loop.index0 == 0 and system %}{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}
  {% else %}{% set content = message['content'] %}{% endif %}
  {% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
  {% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}
{% endfor %}"""
LLAMA3 = """{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not date_string is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {{- "Tools:\\n\\n" }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("One tool call at once") }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- tool_call.arguments | tojson }}{{- "}" }}
    {%- else %}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}
        {%- else %}{{- message.content }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""
GLM = """[gMASK]<sop>
{%- for item in messages %}
<|{{ item.role }}|>
{%- if item.content is string %}
{{ item.content }}
{%- elif item.content is iterable %}
{%- for part in item.content %}
{%- if part.type == 'image' or 'image_url' in part %}
<|begin_of_image|><|image|><|end_of_image|>
{%- elif part.type == 'text' %}
{{ part.text }}
{%- else %}
{{ raise_exception('no part ' ~ part.type) }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- if item.reasoning_content %}
<think>{{ item.reasoning_content.split('</think>')[-1].strip() }}</think>
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{{ '\\n<think></think>' if (enable_thinking is defined and not enable_thinking) else '' }}{% endif %}
"""

CHATS = [
    [{"role": "user", "content": "Hello, wörld! 你好 👋🏽"}],
    [{"role": "system", "content": " Terse. "}, {"role": "user", "content": " Hi\n"}, {"role": "assistant", "content": "Yes?"},
     {"role": "user", "content": "<|im_end|> \"quoted\" 'x' \\ \t"}],
    [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]},
     {"role": "assistant", "content": "A cat.", "reasoning_content": "hm</think> fur "}],
    [{"role": "assistant", "content": "first"}],
    [{"role": "user", "content": "w?"}, {"role": "assistant", "content": None, "tool_calls": [
        {"function": {"name": "weather", "arguments": {"city": "Köln", "days": 2, "x": [1.5, None, True]}}}]},
     {"role": "tool", "content": {"t": 1e22, "s": "é\u2028\u0001"}}],
    [],
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string", "description": "It's \"the\" city"}}, "required": ["city"], "items": [], "empty": {}}}}]

DATA = {
    "a": 7, "b": -3, "f": 2.5, "z": 0, "s": "Hello World", "t": "  padded\t\n", "e": "", "n": None, "y": True,
    "l": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "d": {"k": "v", "two": 2, "items": 5},
    "people": [{"name": "Ann", "age": 31, "pet": {"kind": "cat"}}, {"name": "bob", "age": 25}, {"name": "Cy", "age": 31, "pet": None}],
    "nested": [[1, 2], [3, 4]], "u": "straße ǆ ÉCOLE İ 你", "csv": "a,b,,c", "quote": "it's \"so\"\n\x01\u00a0\u200b😀",
}
EXPRESSIONS = """
a + b * 2 - -1 | a / 2 | a // 2 | b // 2 | a % 4 | b % 4 | a % b | 2 ** 3 ** 2 | -2 ** 2 | f * 2 | 1 / 3 | 7.0 // 2 | -7.5 % 2
1e16 | 1e15 | 123456789012345680.0 | 1e-4 | 0.00001 | 1.5e300 | 5e-324 | 100.0 | 0.1 + 0.2 | -0.0 | 1_000 | 2 ** 62 | 2 ** -1
1 < 2 < 3 | 1 < 3 < 2 | a == 7 == 7.0 | a != 7 | y == 1 | 'a' < 'b' | [1, 2] < [1, 3] | (1, 2) == (1, 2) | [1] == (1,) | not a > 3
a and b | z and a | z or 'none' | n or z or e | not not a | not z in l | 1 in l | 'ell' in s | 'k' in d | 9 not in l | 'x' in missing
'yes' if y else 'no' | 'only' if z | 'a' if z else 'b' if n else 'c' | (1 if y else 2) + 1 | a ~ b ~ s | a ~ n ~ y ~ missing
s[0] | s[-1] | s[1:4] | s[::-1] | s[::2] | s[-3:] | s[:-3] | s[5:2] | s[10:0:-3] | l[0] | l[-1] | l[9] | l[1:] | l[::-1] | nested[1][0] | l[-5:2]
d.k | d['k'] | d.missing | d['missing'] | d.two + 1 | d.get('k') | d.get('q') | d.get('q', 'dflt') | d['items'] | people[0].pet.kind | s.nothing
d.keys()|list | list | d | l | (1,) | () | (1, 'x') | {} | {'a': 1, 2: [None, True]} | [1.0, 'it\\'s', "d\\"q"] | [quote] | 'tab\\tnl\\n\\x41\\u00e9' | "a" 'b' "c"
s.upper() | s.lower() | u.upper() | u.lower() | u.title() | s.title() | u.capitalize() | s.swap | s.split() | csv.split(',') | csv.split(',', 1) | t.split() | csv.rsplit(',', 1)
t.strip() | t.lstrip() | t.rstrip() | s.strip('Hd') | s.lstrip('Hel') | s.replace('l', 'L') | s.replace('l', 'L', 1) | s.replace('', '-') | s.startswith('Hell') | s.endswith(('x', 'ld')) | s.find('o') | s.find('q') | s.rfind('o') | s.count('l') | s.index('W')
', '.join(words) | ''.join([]) | '-'.join(s) | '12'.isdigit() | 'a1'.isalnum() | 'ab'.isalpha() | ' '.isspace() | 'AB'.isupper() | 'x'.islower() | 'a\\nb\\r\\nc'.splitlines() | s.removeprefix('He') | s.removesuffix('ld') | 'aXbXc'.split('X')[1:] | [1,2,1].count(1) | l.index(2)
t|trim | s|upper|lower | s|length | l|length | d|length | missing|length | words|join('+') | people|join(', ', attribute='name') | s|replace('o', '0') | missing|default('x') | e|default('x') | e|default('x', true) | n|default('x', boolean=true) | d.q|d('y')
l|first | l|last | []|first | s|first | s|last | s|list | d|list | l|string | '42'|int | '4.9'|int | 'x'|int | 'x'|int(7) | f|int | ' 5 '|int | '1.5'|float | a|float | y|int | l|sort | l|sort(reverse=true) | words|sort | words|sort(case_sensitive=true) | words|unique|list | l|reverse|list | s|reverse
people|map(attribute='name')|list | words|map('upper')|join(' ') | people|map(attribute='pet.kind', default='-')|list | people|selectattr('age', 'equalto', 31)|map(attribute='name')|list | people|rejectattr('age', 'gt', 30)|list|length | people|selectattr('pet')|list|length | people|selectattr('pet', 'defined')|list|length | l|select('odd')|list | l|reject('equalto', 1)|list | people|sort(attribute='age')|map(attribute='name')|join | l|sum | people|sum(attribute='age') | l|max | l|min | words|max | b|abs | 2.675|round(2) | 2.5|round | 3.14159|round(3) | 2.1|round(0, 'ceil') | d|dictsort | d|items|list
d|tojson | l|tojson | quote|tojson | people|tojson(indent=2) | {}|tojson(indent=2) | [[], {}]|tojson | n|tojson | f|tojson | [1e16, 1.0, true]|tojson | {'b': 1, 'a': [1]}|tojson(sort_keys=true) | [1, 2]|tojson(separators=(',', ':')) | {1: 2, true: none}|tojson
s|capitalize | 'hello wOrld-foo (bar'|title | 'a\\nb\\n\\nc'|indent(2) | 'a\\nb'|indent(2, true) | '<b>'|safe | quote|string|length
a is defined | q is defined | q is undefined | n is none | n is not none | s is string | l is string | d is mapping | l is sequence | s is sequence | d is iterable | a is iterable | a is number | y is number | y is boolean | y is true | z is false | a is integer | f is float | y is integer | a is odd | a is even | a is divisibleby 7 | a is divisibleby(3) | a is eq 7 | a is equalto(8) | a is in [7] | s is lower | 'AB' is upper | a is gt 3 | a is defined and z is defined | not a is defined or y
range(3)|list | range(1, 10, 3)|list | range(5, 0, -2)|list | dict(a=1, b='x') | missing | missing.x | missing['x'] | n.x | a.x | n['x'] | missing + 1 | s + 1 | 1 + n | s * 2 | [1] * 3 | 3 * 'ab' | 'a' * -1 | l + [4] | (1,) + (2,) | 1 / 0 | 1 % 0 | l['x'] | s < 1 | 1 in 5 | n|length | [1,2][1:][0] | missing[1:] | n[1:] | a() | s() | missing() | d.append(1) | l.append(1) | -s | +a | -y
-a|abs | 2 * 3|string | s|upper ~ '!' | s ~ '!'|upper | (a, b)[1] | {'x': {'y': [1, 2]}}.x.y[1] | l.0 | 'a.b'.split('.')[0] | "}}" | '%}' | [[1]][0][0] | true | False | none | None | True and none | 'a' in 'abc' and 'k' in d | 1 if 0 else 2 if 0 else 3 | (1, 2, 3)|length | l|length > 2 | not l|length == 3 | a if a > 3 and b < 0 else z
"""
BLOCKS = [
    "{% for x in l %}{{ loop.index }}/{{ loop.length }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.depth }}{% endfor %}",
    "{% for x in l %}[{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }}]{{ loop.previtem is defined }}{% endfor %}",
    "{% for x in [] %}x{% else %}empty{% endfor %}", "{% for x in missing %}x{% else %}none{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}{{ x }}{% else %}no{% endfor %}", "{% for x in l if x > 9 %}{{ x }}{% else %}no{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for c in s %}{{ c }}.{% endfor %}",
    "{% for (i, j) in nested %}{{ i * j }} {% endfor %}", "{% for i, (j, k) in [(1, (2, 3))] %}{{ i }}{{ j }}{{ k }}{% endfor %}",
    "{% for x in nested %}{% for y in x %}{{ loop.index }}{{ y }}{{ loop.depth }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in l %}{{ loop.cycle('odd', 'even') }}{% endfor %}", "{% for x in n %}{% endfor %}", "{% for x in 5 %}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% if y %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% set a, b = b, a %}{{ a }}{{ b }}", "{% set x = 1, 2 %}{{ x }}", "{% set x %}in {{ s }}{% endset %}{{ x | upper }}",
    "{% set a, b = l %}", "{% if z %}1{% elif n %}2{% elif y %}3{% else %}4{% endif %}", "{% if missing %}1{% else %}2{% endif %}",
    "  {% if y %}\n  line\n  {% endif %}\nend\n", "a\n  {%- if y -%}  \n b {%- endif %}  c", "x {# comment #} y\n  {# whole line #}\nz",
    "  {%+ if y %} kept{% endif +%}\nafter", "{{ s }}\n{{- s -}}  \n  z", "\n\n{% if y %}\n\nA\n{% endif %}\n\n", "{{ 'x' }}  {#- c -#}  y",
    "line\r\nnext\r{{ s }}\n", "trailing\n\n", "{{ '\\n' }}{% if y %}\n{% endif %}", "a {% set q = 1 %} b\n\t{% set q = 2 %}\n c", "{%if y%}t{%endif%}",
    "{{ {'a': {'b': 1}} }}", "{{ '{{ x }}' }}", "{{ \"{% if %}\" }}", "{ {{ a }} }{ % %}", "{#- {{ a }} -#}x", "<{{a}}>\n<{{ b -}}>\n",
    "{{ raise_exception('no') }}", "{% for i in range(3) %}{{ i }}{% endfor %}", "{{ undefined_function(1) }}", "{% for m in people %}{{ m.name }}{{ m.pet.kind if m.pet else '' }}{% endfor %}",
    "{{ a", "{% if y %}", "{% endif %}", "{{ a + }}", "{% for %}{% endfor %}", "{{ 'open }}", "{# open", "{% nonsense %}", "{{ a b }}", "{{ (1, }}", "{{ a | }}", "{{ a is }}", "{% set 1 = 2 %}", "{{ [1, 2 }}", "{{ d.'x' }}", "{% if %}{% endif %}", "{{ }}", "{{ f(a=1, 2) }}", "{% else %}",
    "{% for x in l %}{% if loop.first %}{{ x }}{% endif %}\n{% endfor %}|", "{% for x in l -%}\n  {{ x }}\n{%- endfor %}", "{{ strftime_now('%Y-%m-%d %H:%M') }}", "{{ (people | map(attribute='name') | list)[1:] }}",
    "{% for i in l | sort %}{{ i }}{% endfor %}", "{% for i in l if i != 2 %}{{ i }}{% endfor %}", "{% set x = l if y else [] %}{{ x }}", "{% if 'a' in 'abc' and not (z or n) %}ok{% endif %}",
]


def render(template, variables):
    try:
        return ENV.from_string(template).render(**variables)
    except Exception:
        return None


def main(model):
    own = gguf.GGUFReader(model).fields["tokenizer.chat_template"].contents()
    cases = []
    for template in [own, CHATML, LLAMA2, LLAMA3, GLM]:
        for chat in CHATS:
            for more in [{"add_generation_prompt": True, "tools": None}, {"add_generation_prompt": False, "tools": TOOLS, "enable_thinking": False}]:
                variables = {"messages": chat, "bos_token": "<s>", "eos_token": "</s>"} | more
                cases.append({"template": template, "variables": variables, "output": render(template, variables)})
    sources = BLOCKS + ["{{ " + e.strip() + " }}" for line in EXPRESSIONS.strip().split("\n") for e in line.split(" | ")]
    for source in sources:
        cases.append({"template": source, "variables": "shared", "output": render(source, DATA)})
    target = pathlib.Path(__file__).with_name("template-reference.json")
    body = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    target.write_text('{"shared": ' + json.dumps(DATA) + ',\n"cases": [\n' + body + "\n]}\n")
    print(f"{len(cases)} cases, {sum(c['output'] is None for c in cases)} of them errors")


main(sys.argv[1])
