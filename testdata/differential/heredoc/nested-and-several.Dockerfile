FROM tiny
COPY <<a <<b /x/
a's <<b
a
b's
b
COPY <<'quoted' /y
$text
quoted
