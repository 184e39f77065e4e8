{#- Lower case for Russian whatever the collation of the database (the embedded server has collation C). -#}
{% macro lower_ru(x) -%}
    {{ return(adapter.dispatch('lower_ru', 'ravenstvo')(x)) }}
{%- endmacro %}
{% macro default__lower_ru(x) -%} lower({{ x }}) {%- endmacro %}
{% macro postgres__lower_ru(x) -%} (lower({{ x }} collate pg_c_utf8) collate "default") {%- endmacro %}

{#- One spelling for comparing words of value lists: lower case, «ё» as «е», single spaces. -#}
{% macro fold(x) -%}
    trim({{ replace_all("replace(" ~ lower_ru(x) ~ ", 'ё', 'е')", '\\s+', ' ') }})
{%- endmacro %}

{#- An answer of a form without its number, dashes as «-»: «2.Примерно половина», «3. 5–10 тыс. чел». -#}
{% macro fold_answer(x) -%}
    translate(regexp_replace({{ fold(x) }}, '^[0-9]+\s*\.\s*', ''), '–—', '--')
{%- endmacro %}

{#- One spelling for comparing names: folded, and without quotation marks, stops, dashes and brackets. -#}
{% macro fold_name(x) -%}
    trim(regexp_replace(replace({{ lower_ru(x) }}, 'ё', 'е'), '[^0-9a-zа-я]+', ' ', 'g'))
{%- endmacro %}

{#- Code of a school in the exam database: six digits, leading zeros restored. -#}
{% macro school_code(x) -%}
    case when length({{ x }}) < 6 then lpad({{ x }}, 6, '0') else {{ x }} end
{%- endmacro %}

{#- Latin letters, digits and underscores for a Russian title: part of a procedure code. -#}
{% macro slug(x) -%}
    {%- set latin -%}
        replace(replace(replace(replace(replace(replace(replace(
            translate({{ fold(x) }}, 'абвгдезийклмнопрстуфхыэъь', 'abvgdeziiklmnoprstufhye'),
            'ж', 'zh'), 'ц', 'ts'), 'ч', 'ch'), 'ш', 'sh'), 'щ', 'sch'), 'ю', 'yu'), 'я', 'ya')
    {%- endset -%}
    trim(both '_' from {{ replace_all(latin, '[^a-z0-9]+', '_') }})
{%- endmacro %}
