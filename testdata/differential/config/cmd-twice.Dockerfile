FROM tiny
CMD first
CMD ["second"]
