FROM tiny
COPY modes/file-0400 modes/file-4755 modes/file-6711 modes/file-1644 modes/file-0777 /files/
COPY modes/dir-1777 /sticky
COPY modes/dir-0700 /private/
COPY modes/dir-2775 /srv
