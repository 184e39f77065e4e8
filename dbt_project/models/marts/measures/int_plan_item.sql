-- Rows of the road maps, each known by the item's own code: numbers repeat in the documents.

with

written as (

    select
        item.*,
        -- «1.8а», «П1.8a.», «п. 1.8а», «P1.8a» are one code.
        regexp_replace(
            translate({{ fold('item.item_code') }}, 'абпр', 'abpp'), '(^p[. ]*)|(\.$)', '', 'g'
        ) as code_folded,
        {{ fold('item.name') }} as name_folded,
        -- «2», «2 этап», «II этап», «второй».
        cast(coalesce(substring(item.stage from '[0-9]{1,4}'), stage.value) as integer) as stage_no
    from {{ ref('fct_plan_item') }} as item
    left join {{ ref('value_list') }} as stage
        on
            stage.list_name = 'stage_number'
            and trim(replace({{ fold('item.stage') }}, 'этап', '')) = stage.spelling

),

item as (

    select
        *,
        count(*) over (partition by programme_code, item_no) as n_of_number
    from {{ ref('programme_plan_item') }}

),

known as (

    select distinct on (written.part_id, written.row_no)
        written.part_id,
        written.row_no,
        item.item_code,
        item.item_no,
        item.section,
        item.frequency,
        item.due_from,
        item.due_to
    from written
    inner join item
        on
            written.programme_code = item.programme_code
            and (
                written.code_folded = item.item_code
                -- A number that stands twice in the document is told by the name.
                or (
                    written.code_folded = item.item_no
                    and (item.n_of_number = 1 or written.name_folded ~ item.name_pattern)
                )
            )
    order by written.part_id asc, written.row_no asc, item.item_code asc

),

subprogramme as (

    select distinct on (written.part_id, written.row_no)
        written.part_id,
        written.row_no,
        named.subprogramme_no
    from written
    inner join {{ ref('programme_subprogramme') }} as named
        on
            written.programme_code = named.programme_code
            and (
                written.code_folded in (
                    {{ fold('named.indicator_code') }}, cast(named.subprogramme_no as text)
                )
                or split_part(written.code_folded, '.', 1) = cast(named.subprogramme_no as text)
                or {{ fold_name('written.name') }} = {{ fold_name('named.title') }}
                or written.stage_no = named.subprogramme_no
            )
    order by
        written.part_id asc,
        written.row_no asc,
        written.code_folded = {{ fold('named.indicator_code') }} desc,
        {{ fold_name('written.name') }} = {{ fold_name('named.title') }} desc,
        split_part(written.code_folded, '.', 1) = cast(named.subprogramme_no as text) desc,
        named.subprogramme_no asc

)

select
    written.programme_code,
    coalesce(known.item_code, written.code_folded) as item_code,
    written.item_code as written_code,
    known.item_code is not null as is_known_item,
    coalesce(known.section, split_part(written.code_folded, '.', 1)) as section,
    written.stage_no,
    subprogramme.subprogramme_no,
    written.name,
    written.school_id,
    written.municipality_code,
    coalesce(written.due_from, known.due_from) as due_from,
    coalesce(written.due_to, known.due_to) as due_to,
    coalesce(known.frequency, written.frequency) as frequency,
    written.done_on,
    written.document,
    written.part_id,
    written.row_no
from written
left join known on written.part_id = known.part_id and written.row_no = known.row_no
left join subprogramme on written.part_id = subprogramme.part_id and written.row_no = subprogramme.row_no
