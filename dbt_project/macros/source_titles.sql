{#- Sources with their Russian titles: the comments that the source documents give the landing tables. Read from the
    catalogue, so that a view over it needs no right to the closed schema. -#}
{% macro source_titles() -%}
    select
        cast(relation.relname as text) as source,
        obj_description(relation.oid, 'pg_class') as source_title
    from pg_catalog.pg_class as relation
    inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
    where namespace.nspname = 'landing' and relation.relkind = 'r'
{%- endmacro %}

{#- Sources whose rows name a school, and the columns that do, as the source documents say. -#}
{% macro school_key_columns() -%}
    {{ return([
        ('agreement', ['school_code']),
        ('appeal', ['school_code']),
        ('association', ['school_code']),
        ('contest', ['school_code']),
        ('deficit', ['school_code']),
        ('document', ['school_code']),
        ('ege_result', ['school_code']),
        ('event_participant', ['school_code']),
        ('facility', ['school_code']),
        ('membership', ['school_code']),
        ('oge_result', ['school_code']),
        ('pd_record', ['school_code']),
        ('plan_item', ['school_code']),
        ('practice', ['school_code']),
        ('quality_monitoring', ['school_code']),
        ('regional_monitoring', ['school_code']),
        ('satisfaction', ['school_code']),
        ('school', ['school_code', 'school_login']),
        ('school_context', ['school_code', 'school_login']),
        ('school_login', ['school_login']),
        ('school_name_alias', ['school_code']),
        ('self_assessment', ['school_code']),
        ('service', ['school_code']),
        ('staff', ['school_code']),
        ('staffing', ['school_code']),
        ('transition_programme', ['school_code']),
        ('vpr_result', ['school_login']),
        ('vpr_school_summary', ['school_login']),
    ]) }}
{%- endmacro %}
