#!/usr/bin/env python3
"""Writes template-reference.json: templates, variables, and what Python's jinja2 makes of them.

    pip install jinja2==3.1.6 gguf==0.19.0
    python3 make_template_reference.py MODEL.gguf

The environment is the one transformers uses for chat templates. A case is {"template", "output"}, the template run
with the variables "shared", or {"template", "chat", "options", "output"}, all but the output numbers into the lists
before the cases. An output of null means that jinja2 raises an error. MODEL gives the default model's own template.
"""

import datetime
import json
import pathlib
import sys

import gguf
import jinja2.ext
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 3, 9, 14, 5, 7)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise TemplateError(message)


class Generation(jinja2.ext.Extension):
    """{% generation %}: transformers notes where its text stands; the text stays as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("text"), [], [], body).set_lineno(line)

    def text(self, caller):
        return caller()


# {% do %} is beyond transformers; other servers of chat templates run it.
ENV = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols, jinja2.ext.do]
)
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

# The shapes of published templates with tools: a header of schemas, calls, results, thoughts of past turns left out.
GLM_TOOLS = """[gMASK]<sop>
{%- if tools %}
<|system|>
# 可用工具
{% for tool in tools %}
{%- set f = tool.function if tool.type == 'function' else tool %}

## {{ f.name }}

{{ f | tojson(indent=4) }}
Answer with the name and then JSON.
{%- endfor %}
{%- endif %}
{%- set ns = namespace(last_user=-1) %}
{%- for m in messages %}
    {%- if m.role == 'user' %}
        {%- set ns.last_user = loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- macro visible(content) -%}
    {%- if content is string -%}{{- content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for part in content -%}
            {%- if part.type == 'text' -%}{{- part.text }}{%- elif part.type in ['image', 'image_url'] -%}<|begin_of_image|><|image|><|end_of_image|>{%- endif -%}
        {%- endfor -%}
    {%- else -%}{{- content }}{%- endif -%}
{%- endmacro -%}
{%- for m in messages %}
{%- if m.role == 'assistant' and m.tool_calls %}
{%- for call in m.tool_calls %}
<|assistant|>{{ call.function.name }}
{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson(ensure_ascii=False) }}
{%- endfor %}
{%- elif m.role == 'tool' %}
<|observation|>
{{ visible(m.content) }}
{%- else %}
<|{{ m.role }}|>
{%- if m.reasoning_content and loop.index0 > ns.last_user %}
<think>{{ m.reasoning_content.strip() }}</think>
{%- endif %}
{{ visible(m.content) }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}
"""
QWEN_TOOLS = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages and messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\nAs {\"name\": <name>, \"arguments\": <json>}<|im_end|>\\n" }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role in ('user', 'system') and not loop.first or (message.role == 'user') %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning) %}
            {{- '<|im_start|>assistant\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\\n' + content }}
        {%- endif %}
        {%- generation %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
            {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {%- endgeneration %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or loop.previtem.role != "tool" %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' ~ message.content ~ '\\n</tool_response>' }}
        {%- if loop.last or loop.nextitem.role != "tool" %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
DEEPSEEK = """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='', is_first_sp=true) %}{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first_sp %}{% set ns.system_prompt = ns.system_prompt + message['content'] %}{% set ns.is_first_sp = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- endif %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system_prompt }}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' ~ message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and 'tool_calls' in message and message['tool_calls'] is not none %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls'] %}{%- if not ns.is_first %}{{'<｜Assistant｜><｜tool▁calls▁begin｜>' + (tool['type'] or 'function') + '<｜tool▁sep｜>' + tool['function']['name'] + '\\n' + '```json' + '\\n' + tool['function']['arguments']|tojson + '\\n' + '```'}}{%- set ns.is_first = true -%}{%- else %}{{'\\n' + tool['function']['name']}}{{'<｜tool▁calls▁end｜>'}}{%- endif %}{%- endfor %}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- if message['role'] == 'tool' %}{%- set ns.is_tool = true -%}{%- if ns.is_output_first %}{{'<｜tool▁output▁begin｜>' ~ message['content'] ~ '<｜tool▁output▁end｜>'}}{%- set ns.is_output_first = false %}{%- else %}{{'\\n' ~ message['content']}}{%- endif %}{%- endif %}{%- endfor -%}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜>'}}{% endif %}"""
MISTRAL = """{%- if messages and messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("Roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}{%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}{{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}{{- "[INST] " ~ message["content"] ~ "[/INST]" }}{%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}{{- ', "id": "' ~ '%09d' % loop.index ~ '"}' }}{%- else %}{{- ', "id": "' + tool_call.id + '"}' }}{%- endif %}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token }}
    {%- elif message["role"] in ["tool_results", "tool"] %}
        {%- if message.content is defined and message.content.content is defined %}{%- set content = message.content.content %}{%- else %}{%- set content = message.content %}{%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + ", " }}{{- '"call_id": "x"}[/TOOL_RESULTS]' }}
    {%- endif %}
{%- endfor %}"""
TYPESCRIPT = """{#- Types of parameters by macros that call each other. -#}
{%- macro type_of(spec, required=[], level=0) -%}
    {%- if spec.type is defined and spec.type is not string and spec.type is iterable -%}
        {%- for t in spec.type -%}{{ type_of({'type': t}) }}{{ ' | ' if not loop.last }}{%- endfor -%}
    {%- elif spec.type == 'array' -%}{{- type_of(spec['items'], level=level + 1) + '[]' -}}
    {%- elif spec.enum -%}
        {%- for value in spec.enum -%}{{- '"' ~ value ~ '"' -}}{%- if not loop.last %} | {% endif -%}{%- endfor -%}
    {%- elif spec.type == 'object' -%}
        {{- '{' -}}
        {%- for name, inner in spec.properties | default({}) | dictsort -%}
            {{- ' ' ~ name ~ ('' if name in required or name in spec.required | default([]) else '?') ~ ': ' -}}
            {{- type_of(inner, spec.required or [], level + 1) -}}
            {%- if inner.description %}{{- ' /* ' ~ inner.description | replace('\\n', ' ') ~ ' */' -}}{% endif -%}
            {%- if not loop.last %},{%- endif -%}
        {%- endfor -%}
        {{- ' }' ~ level -}}
    {%- else -%}{{- spec.type or 'any' -}}{%- endif -%}
{%- endmacro -%}
{%- macro wrap(tag, title='') -%}
    {{- '<' ~ tag ~ (' title=' ~ title | tojson if title) ~ '>' ~ caller(tag | upper) ~ '</' ~ tag ~ '>' -}}
{%- endmacro -%}
{{- bos_token -}}
{%- for tool in tools or [] -%}
    {%- call(shout) wrap('fn', title=tool.function.name) -%}{{ shout }}: {{ type_of(tool.function.parameters) }}{%- endcall -%}
{%- endfor -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}{%- continue -%}{%- endif -%}
    {%- if loop.index > 3 -%}{{- '…' -}}{%- break -%}{%- endif -%}
    {%- set body -%}
        {%- filter trim -%}{{ message.content }}{%- endfilter -%}
    {%- endset -%}
    {%- with name = message.role, text = body -%}{{- '\\n' ~ name ~ '=' ~ text -}}{%- endwith -%}
{%- else -%}{{- ' none' -}}
{%- endfor -%}"""

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
    [{"role": "system", "content": "Help."}, {"role": "user", "content": "Köln?"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nOne moment.", "tool_calls": [
        {"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}},
        {"type": "function", "function": {"name": "weather", "arguments": {"city": "Bonn"}}}]},
     {"role": "tool", "content": "21"}, {"role": "tool", "content": "[22]"}, {"role": "assistant", "content": "Warm.", "reasoning_content": "\nso\n"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>x</think>b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}, {"role": "user", "content": "e"}],
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string", "description": "It's \"the\" city"}}, "required": ["city"], "items": [], "empty": {}}}},
    {"type": "function", "function": {"name": "plot", "description": "Plots\nlines", "parameters": {"type": "object", "properties": {
        "points": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "style": {"type": "object", "properties": {"color": {"enum": ["red", "blue"], "type": "string"}, "width": {"type": ["integer", "null"]}}}},
        "required": ["points"]}}}]

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
'%s-%d' % ('a', 3) | '%5.1f|%-4s|%04d' % (f, 'x', 7) | '%(k)s' % d | '%s' % l | '%r' % s | '%x %X %o %c' % (255, 255, 8, 'z') | '%d%%' % 50 | '%s' % (1, 2) | '%s %s' % 1 | '%d' % 'x' | '%+d % d' % (3, 4) | '%e' % f | '%g' % 1e20 | '%.3d' % 5 | '%s'|format(a) | '%(x)s'|format(x=3) | '{}-{}'.format(1, 'x') | '{0}{1}{0}'.format(a, b) | '{k} {{}}'.format(k=s) | '{:>5}|{:<5}|{:^5}'.format('x', 'y', 'z') | '{:05d} {:+} {:,}'.format(42, 3, 1234567) | '{:.2f} {:8.3f} {:%}'.format(f, f, 0.25) | '{!r}'.format(s) | '{:x} {:#x} {:b}'.format(255, 255, 5) | '{}'.format() | '{:*^9}'.format(s[:3]) | '{:.2}'.format('abc') | '{:e}'.format(12345.678) | '{}'.format(l)
'7'.zfill(3) | '-7'.zfill(4) | 'ab'.ljust(4, '.') | 'ab'.rjust(4) | 'ab'.center(5) | 'abc'.center(6, '*') | 'x'|center(5) | 'a=b=c'.partition('=') | 'a=b=c'.rpartition('=') | 'abc'.partition('=') | 'aBc'.swapcase() | 'ABC'.casefold() | '12'.isdecimal() | '½'.isnumeric() | 'é'.isascii() | 'abcabc'.find('b', 2) | 'abcabc'.rindex('c') | 'abcabc'.count('b', 2) | 'abcabc'.startswith('c', 2) | 'abcabc'.endswith(('x', 'b'), 0, 5) | 'abc'.rindex('x') | s.rsplit(none, 1) | ' a b  c '.split(none, 1) | ' a b  c '.rsplit(none, 1) | 'a,b,,c'.rsplit(',', 2) | '<a href="x">&\''|e | 'a b_c 1'|wordcount | 'one two three four'|truncate(10) | 'one two three four'|truncate(10, true, '~') | 'one two'|truncate(7) | s|attr('x') | {'b': 'é€😀\x7f'}|tojson(ensure_ascii=true) | 'é'|tojson(true) | {'b': 1}|tojson(indent=none) | [1, [2, {}], []]|tojson(indent=2) | {'a': [1]}|tojson(indent='\t') | [1]|tojson(indent=0) | dict(d, z=1) | dict([('a', 1)]) | dict(**d) | range(*[1, 4])|list | n is sameas none | y is sameas true | a is sameas none | 'upper' is filter | 'nope' is filter | 'odd' is test | missing|map('upper')|list | {'a': 1}.get('b', 2) | [3, 1]|sort(reverse=true) | people|map(attribute='pet.kind', default='none')|list | people|sum(attribute='age') | namespace(a=1).a | [[1, 2], [3]]|map('first')|list | words|map('replace', 'p', 'z')|list | words|select('in', ['fig'])|list | d.items()|list | d.keys()|list|tojson
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
    "{% for x in [1, 2] %}{% continue %}{% else %}E{% endfor %}", "{% for x in [1, 2] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% else %}E{% endfor %}", "{% for x in [1, 2] %}{% break %}{% else %}E{% endfor %}", "{% for x in l %}{% set v %}a{% break %}{% endset %}{% endfor %}z{{ v }}", "{% for x in l %}{% for y in l %}{% if y == 1 %}{% continue %}{% endif %}{{ y }}{% break %}{% endfor %}{% endfor %}",
    "{% break %}", "{% for x in [1] %}{% macro m() %}{% break %}{% endmacro %}{{ m() }}{% endfor %}", "{% for x in l %}x{% else %}{% continue %}{% endfor %}",
    "{% set ns = namespace(a=1) %}{{ ns }}|{{ ns.b }}|{{ ns['a'] }}|{{ ns is mapping }}|{{ ns is iterable }}|{{ ns is callable }}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}", "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}", "{% set ns = namespace(n=0) %}{% for x in l %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "{% set ns = namespace(t='') %}{% set ns.t %}x{{ a }}{% endset %}{{ ns.t }}", "{% set ns.a = 1 %}", "{% set d.a = 1 %}", "{% set ns = namespace(l=[]) %}{% for x in l %}{% set ns.l = ns.l + [x] %}{% endfor %}{{ ns.l | tojson }}", "{% set ns = namespace(a=1) %}{% set other = ns %}{% set other.a = 2 %}{{ ns.a }}{{ ns == other }}", "{{ namespace(a=1) | tojson }}",
    "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m }}|{{ m.name }}|{{ m.arguments }}|{{ m() }}|{{ m(1) }}|{{ m(b=1, a=5) }}", "{% macro m(a, b=2) %}{% endmacro %}{{ m(1, 2, 3) }}", "{% macro m(a, b=2) %}{% endmacro %}{{ m(1, c=3) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, a=3) }}", "{% macro m(a, b=a) %}{{ a }}{{ b }}{{ kwargs }}{{ varargs }}{% endmacro %}{{ m(1, 2, 3, c=3) }}{{ m(5) }}{{ m(*[1, 2], **{'k': 1}) }}",
    "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}{% for x in [7] %}{{ m() }}{% endfor %}", "{% for x in [1, 2] %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}", "{% macro m(n) %}{{ n }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "{% if y %}{% macro m() %}q{% endmacro %}{% endif %}{{ m() }}{{ m() | upper }}{{ m() is string }}", "{% macro f(a=1, b) %}{% endmacro %}", "{% macro f(a, a) %}{% endmacro %}{{ f(1, 2) }}", "{% macro m(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ m() }}", "{% macro m() %}\n  {{ a }}\n{% endmacro %}[{{ m() }}]", "{% macro a() %}1{% endmacro %}{% macro b() %}{{ a() }}2{% endmacro %}{{ b() }}", "{% macro m() %}x{% endmacro %}{{ [m(), m()] | join('-') }}{{ m is callable }}",
    "{% macro m() %}<{{ caller(3) }}>{% endmacro %}{% call(v) m() %}v={{ v }}{% endcall %}", "{% macro m() %}x{% endmacro %}{% call m() %}v{% endcall %}", "{% macro m() %}{{ caller is defined }}{{ caller }}{% endmacro %}{{ m() }}", "{% macro m(x) %}{{ x }}{{ caller() }}{{ caller() }}{% endmacro %}{% set q = 4 %}{% call m(1) %}{{ q }}{% set q = 5 %}{% endcall %}{{ q }}", "{% call 1 %}x{% endcall %}", "{% call(v=2, w) m() %}{% endcall %}", "{{ caller() }}",
    "{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){{ loop.depth }}{% else %}{{ x }}{% endif %}{% endfor %}", "{% for x in [1] %}{{ loop }}{{ loop is callable }}{{ loop is mapping }}{{ loop is iterable }}{{ loop(x) }}{% endfor %}", "{% for x in [1] %}{{ loop }}{{ loop is callable }}{{ loop is mapping }}{{ loop is iterable }}{% endfor %}", "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}", "{% for x in l %}{% set outer = loop %}{% for y in l %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}",
    "{% set x | upper | trim %} a b {% endset %}[{{ x }}]", "{% filter upper | replace('A', 'z') %}a{{ 'b' }}{% endfilter %}", "{% with a=1, b=a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set a = 0 %}{{ a }}{% endwith %}{{ a }}", "{% do l %}x{% do namespace(a=1) %}", "{% do l.append(2) %}", "{% generation %}{% set a = 1 %}{{ a }}{% endgeneration %}{{ a }}", "  {% generation %}\n  x\n  {% endgeneration %}\ny",
    "{% raw %}{{ x }} {% if %}{% endraw %}", "a\n  {%- raw -%}  {{ x }}  {%- endraw -%}  b", "  {% raw %}\n{{x}}\n  {% endraw %}\nb", "{%+ raw %} {# {%+ endraw +%}\nb", "{% raw %}a{% endraw", "{% rawx %}",
    "{% set a = joiner(',') %}{{ a() }}{{ a() }}{{ a() }}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}", "{{ cycler() }}",
    "{% for k, v in people | groupby('age') %}{{ k }}:{{ v | map(attribute='name') | join(',') }};{% endfor %}", "{% for row in l | batch(2, 0) %}{{ row }}{% endfor %}", "{% for c in l | slice(2) %}{{ c }}{% endfor %}", "{% for c in l | slice(2, 'x') %}{{ c }}{% endfor %}", "{% set a = 1 %}{% macro m() %}{% set a = 2 %}{{ a }}{% endmacro %}{{ m() }}{{ a }}",
    "{% set t = '' %}{% for x in l %}{% set t = t ~ x %}{% endfor %}[{{ t }}]", "{% for x in n | selectattr('a') %}x{% else %}none{% endfor %}", "{{ n | map('upper') | list }}", "{% for x in l | select('gt', 1) | map('string') %}{{ x }}{% endfor %}",
    "{% for i in l | sort %}{{ i }}{% endfor %}", "{% for i in l if i != 2 %}{{ i }}{% endfor %}", "{% set x = l if y else [] %}{{ x }}", "{% if 'a' in 'abc' and not (z or n) %}ok{% endif %}",
]


def render(template, variables):
    try:
        return ENV.from_string(template).render(**variables)
    except Exception:
        return None


def main(model):
    own = gguf.GGUFReader(model).fields["tokenizer.chat_template"].contents()
    chat_templates = [own, CHATML, LLAMA2, LLAMA3, GLM, GLM_TOOLS, QWEN_TOOLS, DEEPSEEK, MISTRAL, TYPESCRIPT]
    options = [
        {"bos_token": "<s>", "eos_token": "</s>"} | more
        for more in [
            {"add_generation_prompt": True, "tools": None},
            {"add_generation_prompt": False, "tools": TOOLS, "enable_thinking": False},
        ]
    ]
    cases = []
    for template in chat_templates:
        for chat, messages in enumerate(CHATS):
            for option, more in enumerate(options):
                output = render(template, {"messages": messages} | more)
                cases.append(
                    {"template": chat_templates.index(template), "chat": chat, "options": option, "output": output})
    sources = BLOCKS + ["{{ " + e.strip() + " }}" for line in EXPRESSIONS.strip().split("\n") for e in line.split(" | ")]
    for source in sources:
        cases.append({"template": source, "output": render(source, DATA)})
    target = pathlib.Path(__file__).with_name("template-reference.json")
    head = {"shared": DATA, "templates": chat_templates, "chats": CHATS, "options": options}
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    body = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    target.write_text("{" + "\n".join(lines) + '\n"cases": [\n' + body + "\n]}\n")
    print(f"{len(cases)} cases, {sum(c['output'] is None for c in cases)} of them errors, {target.stat().st_size} bytes")


main(sys.argv[1])
