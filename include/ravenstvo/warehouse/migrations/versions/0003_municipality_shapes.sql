-- Written by `ravenstvo bi map`, read by mart_municipality_shape.
create table ops.municipality_shape (
  municipality_id text primary key,
  outline text not null,
  label_x double precision not null,
  label_y double precision not null,
  view_width double precision not null,
  view_height double precision not null,
  file_name text not null,
  loaded_at timestamptz not null default now()
);
comment on table ops.municipality_shape is 'Границы муниципалитетов из файла GeoJSON: контуры, готовые для рисунка';
comment on column ops.municipality_shape.municipality_id is 'Муниципалитет (dim_municipality)';
comment on column ops.municipality_shape.outline is 'Контур: атрибут d элемента path SVG';
comment on column ops.municipality_shape.label_x is 'Место подписи внутри контура, по горизонтали';
comment on column ops.municipality_shape.label_y is 'Место подписи внутри контура, по вертикали';
comment on column ops.municipality_shape.view_width is 'Ширина всей карты в тех же единицах';
comment on column ops.municipality_shape.view_height is 'Высота всей карты';
comment on column ops.municipality_shape.file_name is 'Файл, из которого взяты границы';
comment on column ops.municipality_shape.loaded_at is 'Когда загружены';
