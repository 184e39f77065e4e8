{#- Text as one line of at most n characters: whatever breaks a line or hides letters becomes a space, what is longer is
    cut and ends with «…». -#}
{% macro one_line(x, n) -%}
    {%- set line -%}
        trim(regexp_replace({{ x }}, '[\s[:cntrl:]\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+', ' ', 'g'))
    {%- endset -%}
    case when length({{ line }}) > {{ n }} then rtrim(left({{ line }}, {{ n }} - 1)) || '…' else {{ line }} end
{%- endmacro %}

{#- A school in one line, for lists and filters: code or login, short name, municipality. Null when nothing is known.
    The parts are cut so that the whole is a line of a screen. -#}
{% macro school_label(code, name, municipality) -%}
    nullif(
        concat_ws(
            ' · ',
            nullif({{ one_line(code, 20) }}, ''),
            nullif({{ one_line(name, 60) }}, ''),
            nullif({{ one_line(municipality, 34) }}, '')
        ),
        ''
    )
{%- endmacro %}
