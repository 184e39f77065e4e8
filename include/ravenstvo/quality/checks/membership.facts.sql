    -- The same school in the same role of the same programme, within periods that earlier rows have named.
    (
        select string_agg(other.row_no::text, ', ' order by other.row_no)
        from typed as other
        where other.whole_id = typed.whole_id and other.row_no < typed.row_no
            and other.padded_school_code = typed.padded_school_code
            and other.programme_code = typed.programme_code and other.role_value = typed.role_value
            and other.included_from_day <> typed.included_from_day
            and other.included_from_day < coalesce(typed.excluded_from_day, 'infinity')
            and typed.included_from_day < coalesce(other.excluded_from_day, 'infinity')
    ) as overlapped_rows
