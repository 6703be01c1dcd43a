FROM linked
ADD archives/plain.tar /srv/way/
ADD archives/gz.tar.gz /srv/far
