"""An index moved from one encoder to another while it answers.

The texts stay; a second index with the new encoder's vectors is made inside the folder of the
first, document by document, and takes its place when all is there. Maps between the spaces are
fitted in `retrievo.tune.migrate`.
"""
