{#- What the measures of programmes share. -#}

{#- The last year that programmes are computed for: of the calculation, or without one the last that is known. -#}
{% macro programme_last_year(known) -%}
    {%- set years = (var('years') or []) | map('int') | list -%}
    {%- if years -%} {{ years | max }} {%- else -%} {{ known }} {%- endif -%}
{%- endmacro %}

{#- Territory of a row of `group by {{ territory_sets(...) }}`: the region, a municipality or a school. -#}
{% macro territory_kind() -%}
    case
        when grouping(school_code) = 0 then 'school'
        when grouping(municipality_code) = 0 then 'municipality'
        else 'region'
    end
{%- endmacro %}

{% macro territory_code() -%}
    case
        when grouping(school_code) = 0 then school_code
        when grouping(municipality_code) = 0 then municipality_code
        else 'region'
    end
{%- endmacro %}

{#- Sums of the region, of each municipality and of each school at once. -#}
{% macro territory_sets(keys) -%}
    grouping sets (
        ({{ keys }}),
        ({{ keys }}, municipality_code),
        ({{ keys }}, municipality_code, school_code)
    )
{%- endmacro %}

{#- Key of a measure's row (of: its alias). -#}
{% macro measure_key(of='') -%}
    {%- set of = of ~ '.' if of else '' -%}
    {{ of }}year, {{ of }}programme_code, {{ of }}indicator_code, {{ of }}version, {{ of }}period
{%- endmacro %}

{#- Whether the rows of two aliases are of the same indicator, in the same reading and period. -#}
{% macro same_measure(one, other) -%}
    {{ one }}.programme_code = {{ other }}.programme_code
    and {{ one }}.indicator_code = {{ other }}.indicator_code
    and {{ one }}.version = {{ other }}.version
    and {{ one }}.period = {{ other }}.period
{%- endmacro %}

{#- Key of a row of a measure in a territory: the one that was found, or the region where nothing was. -#}
{% macro measured_territory(asked, found) -%}
    {{ measure_key(asked) }},
    '' as component,
    coalesce({{ found }}.territory_kind, 'region') as territory_kind,
    coalesce({{ found }}.territory_code, 'region') as territory_code
{%- endmacro %}

{#- Key of a worker of a programme's school in a year (of: its alias), and whether the rows of two aliases share it. -#}
{% macro worker_key(of='') -%}
    {%- set of = of ~ '.' if of else '' -%}
    {{ of }}year, {{ of }}programme_code, {{ of }}school_id, {{ of }}person_id
{%- endmacro %}

{% macro same_worker(one, other) -%}
    {{ one }}.year = {{ other }}.year
    and {{ one }}.programme_code = {{ other }}.programme_code
    and {{ one }}.school_id = {{ other }}.school_id
    and {{ one }}.person_id = {{ other }}.person_id
{%- endmacro %}

{#- Names of a dict whose conditions hold, in its order. -#}
{% macro tags_where(conditions) -%}
    array_remove(array[
        {%- for name, condition in conditions.items() %}
            case when {{ condition }} then '{{ name }}' end {{- ',' if not loop.last }}
        {%- endfor %}
    ], null)
{%- endmacro %}

{#- Where a row is written, as a key: one row of a sheet is one thing. -#}
{% macro sheet_row(of='') -%}
    {%- set of = of ~ '.' if of else '' -%}
    {{ of }}part_id || ':' || {{ of }}row_no
{%- endmacro %}

{#-
    Columns of one thing done for schools (int_support_fact), as its register gives them: SQL by the name of the column.
    School, municipality and place in the file are those of the row (of: its alias); what is not given is empty.
-#}
{% macro support_fact(fact, source, of='') -%}
    {%- set of = of ~ '.' if of else '' -%}
    {%- set given = {
        'school_id': of ~ 'school_id', 'municipality_code': of ~ 'municipality_code', 'tags': "'{}'",
        'source': "'" ~ source ~ "'", 'part_id': of ~ 'part_id', 'row_no': of ~ 'row_no'
    } -%}
    {%- do given.update(kwargs) -%}
    {{ fact }} as fact
    {%- for column, type in [
        ('programme_code', 'text'), ('school_id', 'text'), ('municipality_code', 'text'), ('person_id', 'text'),
        ('object_key', 'text'), ('kind', 'text'), ('level', 'text'), ('label', 'text'), ('tags', 'text[]'),
        ('happened_on', 'date'), ('valid_from', 'date'), ('valid_to', 'date'), ('year', 'integer'),
        ('partner_id', 'text'), ('amount', 'numeric'), ('subprogramme', 'text'), ('source', 'text'),
        ('part_id', 'bigint'), ('row_no', 'integer')
    ] %},
        cast({{ given.pop(column, 'null') }} as {{ type }}) as {{ column }}
    {%- endfor %}
    {%- if given %}
        {{- exceptions.raise_compiler_error('A thing done for schools has no column ' ~ given | join(', ')) }}
    {%- endif %}
{%- endmacro %}

{#- Years of a programme: «2018» or «2016–2018». Of grouped rows by an aggregate. -#}
{% macro programme_years(programme, of='') -%}
    {%- set from = of ~ '(' ~ programme ~ '.year_from)' -%}
    {%- set to = of ~ '(' ~ programme ~ '.year_to)' -%}
    {{ from }} || case when {{ to }} > {{ from }} then '–' || {{ to }} else '' end
{%- endmacro %}

{#- An indicator by its title, with the reading where its text can be read in two ways. -#}
{% macro indicator_title(indicator) -%}
    {{ indicator }}.title || coalesce(' — прочтение ' || nullif({{ indicator }}.version, ''), '')
{%- endmacro %}

{#- A period as people call it: a year, «2 квартал 2021», «этап 3», «вся программа». -#}
{% macro period_title(period) -%}
    case
        when {{ period }} = 'programme' then 'вся программа'
        when {{ period }} like 'stage-%' then 'этап ' || substr({{ period }}, 7)
        when {{ period }} like '%-Q%' then substr({{ period }}, 7) || ' квартал ' || left({{ period }}, 4)
        else {{ period }}
    end
{%- endmacro %}
