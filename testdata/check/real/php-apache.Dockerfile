# A web application in PHP, from lists that are kept in variables.
# warnings:
FROM php:8.2-apache

# persistent dependencies
RUN set -eux; \
	apt-get update; \
	apt-get install -y --no-install-recommends \
		ghostscript \
	; \
	rm -rf /var/lib/apt/lists/*

RUN set -ex; \
	\
	savedAptMark="$(apt-mark showmanual)"; \
	\
	apt-get update; \
	apt-get install -y --no-install-recommends \
		libfreetype6-dev \
		libjpeg-dev \
		libzip-dev \
	; \
	\
	docker-php-ext-configure gd --with-freetype --with-jpeg; \
	docker-php-ext-install -j "$(nproc)" bcmath exif gd mysqli zip; \
	\
# reset apt-mark's list so that the purge below removes what only the build needed
	apt-mark auto '.*' > /dev/null; \
	apt-mark manual $savedAptMark; \
	extdir="$(php -r 'echo ini_get("extension_dir");')"; \
	ldd "$extdir"/*.so \
		| awk '/=>/ { so = $(NF-1); if (index(so, "/usr/local/") == 1) { next }; gsub("^/(usr/)?", "", so); print so }' \
		| sort -u \
		| xargs -r dpkg-query --search \
		| cut -d: -f1 \
		| sort -u \
		| xargs -rt apt-mark manual; \
	\
	apt-get purge -y --auto-remove -o APT::AutoRemove::RecommendsImportant=false; \
	rm -rf /var/lib/apt/lists/*

RUN { \
		echo 'opcache.memory_consumption=128'; \
		echo 'opcache.revalidate_freq=2'; \
	} > /usr/local/etc/php/conf.d/opcache-recommended.ini

RUN set -ex; \
	version='6.5.3'; \
	sha1='612d3ee7883d3f0d1ef3ecd2abbcbb24eae6f2bf'; \
	curl -o app.tar.gz -fL "https://download.example.org/app-$version.tar.gz"; \
	echo "$sha1 *app.tar.gz" | sha1sum -c -; \
	tar -xzf app.tar.gz -C /usr/src/; \
	rm app.tar.gz; \
	chown -R www-data:www-data /usr/src/app

VOLUME /var/www/html

COPY --chown=www-data:www-data config-docker.php /usr/src/app/
COPY docker-entrypoint.sh /usr/local/bin/

ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["apache2-foreground"]
