{#- Titles of a list of procedures as one text, in the order of the list; a code that is not known stays as it is. -#}
{% macro procedure_titles(codes) -%}
    (
        select string_agg(coalesce(known.title_ru, listed.procedure_code), '; ' order by listed.place)
        from unnest({{ codes }}) with ordinality as listed (procedure_code, place)
        left join {{ ref('dim_procedure') }} as known on listed.procedure_code = known.procedure_code
    )
{%- endmacro %}
