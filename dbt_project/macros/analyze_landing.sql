{#- Fresh statistics of what was just copied in, for the sources that can be large. -#}
{% macro analyze_landing() %}
    {% if target.type == 'postgres' and execute and flags.WHICH in ('run', 'build') %}
        set local default_statistics_target = 30;
        {% for name in ['source_part', 'superseded_school', 'superseded_row', 'row_finding'] %}
            analyze {{ source('ops', name) }};
        {% endfor %}
        {% for name in [
            'vpr_result', 'ege_result', 'oge_result', 'regional_monitoring', 'staff', 'pd_record', 'event_participant'
        ] %}
            analyze {{ source('landing', name) }};
        {% endfor %}
    {% endif %}
{% endmacro %}
