"""What transformers makes of conversations, by templates in the ways that the families write theirs.

    python chats.py OUT.json
"""
import datetime
import json
import sys

import transformers.utils.chat_template_utils as chat
from transformers.utils.chat_template_utils import render_jinja_template

CHATML = """{%- for message in messages %}
    {%- if loop.first and message['role'] != 'system' %}
        {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}"""

ROLES = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}
{% else %}{% set loop_messages = messages %}{% set system = false %}{% endif %}
{% for message in loop_messages %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Roles must take turns: ' ~ message.role) }}
    {% endif %}
    {% if loop.index0 == 0 and system != false %}
        {% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {% else %}
        {% set content = message['content'] %}
    {% endif %}
    {% if message['role'] == 'user' %}
        {{ bos_token + '[INST] ' + content | trim + ' [/INST]' }}
    {% elif message['role'] == 'assistant' %}
        {{ ' ' + content | trim + ' ' + eos_token }}
    {% endif %}
{% endfor %}"""

HEADERS = """{{- bos_token }}
{#- A date, and tools before the first message. -#}
{%- if not date_string is defined %}
    {%- set date_string = strftime_now("%d %b %Y") %}
{%- endif %}
{%- macro header(role, more=none) -%}
<|start_header_id|>{{ role }}{% if more is not none %} {{ more }}{% endif %}<|end_header_id|>

{% endmacro -%}
{%- set ns = namespace(system='', count=0) %}
{%- if messages and messages[0].role == 'system' %}
    {%- set ns.system = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- header('system') }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and tools %}
    {{- "Functions:\\n" }}
    {%- for tool in tools %}
        {{- tool | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- ns.system + "<|eot_id|>" }}
{%- for message in messages %}
    {%- if message.tool_calls is defined and message.tool_calls %}
        {{- header('assistant', 'calls') }}
        {%- for call in message.tool_calls %}
            {{- '{"name": "' + call.function.name + '", "parameters": ' + (call.function.arguments | tojson) + '}' }}
            {%- if not loop.last %}{{ ', ' }}{% endif %}
        {%- endfor %}
        {{- "<|eot_id|>" }}
    {%- elif message.role in ['tool', 'ipython'] %}
        {{- header('ipython') }}
        {%- if message.content is mapping or (message.content is iterable and message.content is not string) %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- else %}
        {{- header(message['role']) + message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
    {%- set ns.count = ns.count + 1 %}
{%- endfor %}
{%- if add_generation_prompt %}{{- header('assistant') }}{%- endif %}"""

GRANITE = """{%- set tools_system = 'Tools: ' %}
{%- if tools %}
    {%- for tool in tools %}{%- set tools_system = tools_system ~ '\\n' ~ (tool | tojson) %}{%- endfor %}
    {{- '<|start_of_role|>system<|end_of_role|>' ~ tools_system ~ '<|end_of_text|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- set content = namespace(val='') %}
    {%- if message.content is string %}
        {%- set content.val = message.content %}
    {%- else %}
        {%- for entry in message.content if entry.type == 'text' %}
            {%- set content.val = content.val + ('\\n' if content.val != '' else '') + entry.text %}
        {%- endfor %}
    {%- endif %}
    {%- if message.role == 'assistant' %}
{{- '<|start_of_role|>assistant<|end_of_role|>' }}{% generation %}{{ content.val }}{{ '<|end_of_text|>' }}{% endgeneration %}

    {%- else %}
        {{- '<|start_of_role|>' + message.role + '<|end_of_role|>' + content.val + '<|end_of_text|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant<|end_of_role|>' }}{%- endif %}"""

NEMOTRON = """{{ '<SPECIAL_10>System\\n' }}{%- set found = namespace(think=true) -%}
{%- for message in messages -%}
  {%- if message['role'] == 'user' or message['role'] == 'system' -%}
    {%- if '/no_think' in message['content'] -%}{%- set found.think = false -%}{%- endif -%}
  {%- endif -%}
{%- endfor -%}
{%- set rest = messages[1:] if messages[0]['role'] == 'system' else messages -%}
{{ (messages[0]['content'] if messages[0]['role'] == 'system' else '').replace('/no_think', '').strip() }}
{% for message in rest %}{% if message['role'] == 'user' %}
<SPECIAL_11>User
{{ message['content'].replace('/think', '').strip() }}
{% elif message['role'] == 'assistant' %}{%- set content = message['content'] %}
{%- if '</think>' in content %}{% set content = content.split('</think>')[-1].lstrip() %}{% endif %}
<SPECIAL_11>Assistant
{% generation %}{{ content }}{% if loop.last and not content.endswith('\\n') %}{{ '\\n<SPECIAL_12>' }}{% endif %}{% endgeneration %}
{% elif message['role'] == 'tool' %}{% continue %}{% endif %}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<SPECIAL_11>Assistant\\n' }}{% if not found.think %}{{ '<think></think>' }}{% endif %}{%- endif -%}"""

GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"""

ODDS = """{% set n = namespace(a=[1, 2.5, 'x', none, true], d={'k': "it's", "q": 'a"b'}) %}{{ n.a }} {{ n.d }} {{ (1,) }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 5 }} {{ 'a' ~ 1 ~ none }}
{{ range(3) | list }} {{ range(5, 0, -2) | list }} {{ 'abc'[::-1] }} {{ 'abc'[-2:] }} {{ messages | length }} {{ messages[-1].role | upper }}
{%- for m in messages | selectattr('role', 'equalto', 'user') | list %}|{{ loop.index }}/{{ loop.length }}{{ ' first' if loop.first }}{{ ' last' if loop.last else '' }}:{{ loop.cycle('a', 'b') }}{% else %}none{% endfor %}
{% for k, v in {'b': 1, 'a': [1, {'z': 'ü'}]}.items() %}{{ k }}={{ v | tojson }};{% endfor %} {{ {'b': 1, 'a': 2} | dictsort }}
   {% if 1 < 2 <= 2 and not (3 in [1, 2]) %}  yes  {%- endif %}   {{ [3, 1, 2] | sort | join('-') }} {{ ['b', 'A'] | sort }} {{ messages | map(attribute='role') | unique | join(', ') }}
{% filter upper %}low{% endfilter %}{% set block %} in {{ 1 + 1 }} {% endset %}[{{ block | trim }}] {{ undefined_thing is defined }} {{ undefined_thing | default('d') }} {{ '' | default('e', true) }}{# gone #}
{%+ if true %}kept{% endif +%}
{% raw %}{{ raw }} {% if %}{% endraw %} {{ 'A-B-C'.split('-') }} {{ ' a  b '.split() }} {{ 'aXbX'.replace('X', 'y', 1) }} {{ 'title case'.title() }} {{ 'x' in 'xyz' }} {{ 'hello world' | capitalize }} {{ 3 is odd }} {{ 3.0 }} {{ 1e3 if false else 0.1 + 0.2 }}
{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %} {{ "tab\\there" }} {{ 'l1\\nl2' | indent(2) }} {{ [1, 2, 3] | sum }} {{ [] | first is defined }} {{ '%s' if false }} {{ 'é'.upper() }} {{ 5 | string + 'a' }} {{ '7' | int + 1 }} {{ [[1, 2], [3]] | tojson(indent=2) }}"""

TEMPLATES = {
    "chatml": CHATML, "roles": ROLES, "headers": HEADERS, "granite": GRANITE, "nemotron": NEMOTRON, "gemma": GEMMA,
    "odds": ODDS}

TOOLS = [{"type": "function", "function": {
    "name": "weather", "description": "Tells the weather <now> & \"soon\" in a city's area",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                   "required": ["city"]}}}]

CHATS = {
    "plain": [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello! How are you?\n"},
              {"role": "user", "content": "  Fine \u00e9\U0001f600 "}, {"role": "assistant", "content": "Good."}],
    "system": [{"role": "system", "content": "Be short. /no_think"}, {"role": "user", "content": "1+1?\n\n"},
               {"role": "assistant", "content": "<think>easy</think>\n2"}, {"role": "user", "content": "'q' \"d\" {{ x }}"}],
    "tools": [{"role": "user", "content": "Weather?"},
              {"role": "assistant", "content": "", "tool_calls": [
                  {"function": {"name": "weather", "arguments": {"city": "Z\u00fcrich", "days": 2, "x": [1.5, None, True]}}}]},
              {"role": "tool", "content": {"sky": "blue", "n": [1, 2]}}, {"role": "assistant", "content": "Blue."}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]},
              {"role": "assistant", "content": [{"type": "text", "text": "c\nd"}]}],
    "one": [{"role": "user", "content": ""}],
    "wrong": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
}


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 9, 5, 3)


def main(path):
    # The library reads the time by this name.
    chat.datetime = Clock
    cases = []
    for template_name, template in TEMPLATES.items():
        for chat_name, messages in CHATS.items():
            for tools in (None, TOOLS):
                for prompt in (False, True):
                    case = {
                        "name": f"{template_name}, {chat_name}{', tools' if tools else ''}{', prompt' if prompt else ''}",
                        "template": template, "messages": messages, "tools": tools, "prompt": prompt}
                    try:
                        texts, spans = render_jinja_template(
                            [messages], tools=tools, chat_template=template, add_generation_prompt=prompt,
                            return_assistant_tokens_mask="{% generation" in template, bos_token="<s>", eos_token="</s>")
                        case["text"] = texts[0]
                        case["spans"] = [
                            [len(texts[0][:start].encode()), len(texts[0][:end].encode())] for start, end in (spans[0] if spans else [])
                            if end > start]
                    except Exception as error:
                        case["error"] = f"{type(error).__name__}: {error}"
                    cases.append(case)
    with open(path, "w") as file:
        json.dump(cases, file)
    print(len(cases), "cases,", sum("error" in case for case in cases), "refused")


main(sys.argv[1])
