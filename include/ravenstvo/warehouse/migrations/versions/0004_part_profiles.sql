-- Written once for a part when it comes into force, compared with the part of the year before.
create table ops.part_profile (
  part_id bigint not null references ops.source_part on delete cascade,
  column_name text not null,
  n_rows int not null,
  n_blank int not null,
  n_numeric int not null,
  max_number numeric,
  shares jsonb,
  primary key (part_id, column_name)
);
comment on table ops.part_profile is 'Как выглядят столбцы части: по выборке строк, чтобы заметить, что тот же заголовок стал значить другое';
comment on column ops.part_profile.part_id is 'Часть файла';
comment on column ops.part_profile.column_name is 'Столбец источника';
comment on column ops.part_profile.n_rows is 'Строк в выборке';
comment on column ops.part_profile.n_blank is 'Из них пустых';
comment on column ops.part_profile.n_numeric is 'Из них чисел';
comment on column ops.part_profile.max_number is 'Наибольшее число';
comment on column ops.part_profile.shares is 'Значение → число строк, если разных значений немного; иначе пусто';
