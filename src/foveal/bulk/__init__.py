"""Work over many pictures: in pieces, each a part file that is whole or absent."""
