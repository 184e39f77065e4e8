{#- The school as the register knew it at the end of the year; before its first version, that first version.
    `candidate` is a CTE with year and school_id, `school` one with the versions of dim_school. -#}
{% macro school_of_year(candidate, school) -%}
    select distinct on (candidate.year, school.school_id)
        candidate.year,
        school.*
    from {{ candidate }} as candidate
    inner join {{ school }} as school on candidate.school_id = school.school_id
    cross join
        lateral (
            select coalesce(extract(year from school.valid_from) <= candidate.year, true) as has_begun
        ) as version
    order by
        candidate.year asc,
        school.school_id asc,
        version.has_begun desc,
        case when version.has_begun then school.valid_from end desc nulls last,
        school.valid_from asc
{%- endmacro %}
