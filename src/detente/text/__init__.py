"""From articles to statements: language, sentences, quotes, holders and relevance."""
