    -- Which of the schools named are no schools of the register; separators are whatever people write.
    (
        select string_agg(said.code, '; ' order by said.place)
        from regexp_split_to_table(typed.used_by_codes, '[;,\s]+') with ordinality as said (code, place)
        where said.code <> '' and (pg_temp.code6(said.code) !~ '^[0-9]{6}$' or pg_temp.code_known(said.code) = false)
    ) as unknown_used_by_codes
