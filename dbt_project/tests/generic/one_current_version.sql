{#- Every school has exactly one current version, and its versions do not overlap. -#}
{% test one_current_version(model) %}
select school_id, 'текущих версий не одна' as problem
from {{ model }}
group by school_id
having count(*) filter (where is_current) <> 1
union all
select earlier.school_id, 'периоды пересекаются'
from {{ model }} as earlier
inner join {{ model }} as later
    on
        earlier.school_id = later.school_id
        and earlier.school_version_id <> later.school_version_id
        and coalesce(earlier.valid_from, cast('0001-01-01' as date)) <= coalesce(later.valid_from, cast('0001-01-01' as date))
        and coalesce(earlier.valid_to, cast('9999-12-31' as date)) >= coalesce(later.valid_from, cast('0001-01-01' as date))
{% endtest %}
