{#-
    Rows of a landing table that count: their part is in force, a later and narrower part has not replaced their school,
    no corrected row stands in their place, and no critical finding rejects them.
    source_name: landing table; school_key: SQL of the school's key as the row holds it (none for sources without schools);
    record_key: SQL that tells apart the records of one sheet row.
-#}
{% macro accepted_rows(source_name, school_key=none, record_key="''") -%}
    select landed.*
    from {{ source('landing', source_name) }} as landed
    inner join {{ source('ops', 'source_part') }} as part
        on landed.part_id = part.part_id
    where
        part.in_force
        {%- if school_key %}
        and not exists (
            select 1
            from {{ source('ops', 'superseded_school') }} as superseded
            where superseded.part_id = landed.part_id and superseded.school_key = {{ school_key }}
        )
        {%- endif %}
        and not exists (
            select 1
            from {{ source('ops', 'superseded_row') }} as corrected
            where
                corrected.part_id = landed.part_id
                and corrected.row_no = landed.row_no
                and corrected.record_key = coalesce({{ record_key }}, '')
        )
        and not exists (
            select 1
            from {{ source('ops', 'row_finding') }} as finding
            where
                finding.part_id = landed.part_id
                and finding.row_no = landed.row_no
                and finding.severity = 'critical'
                and finding.record_key = coalesce({{ record_key }}, '')
        )
{%- endmacro %}
