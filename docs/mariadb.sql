-- Why MariaDB isn't supported: docs/databases.txt.
--
--     mariadb -f < docs/mariadb.sql
--
-- Makes the database gset_trial and the user gset_trial, and removes both.  Run
-- it as root.

SELECT VERSION();
CREATE DATABASE gset_trial;
USE gset_trial;
CREATE TABLE parent (id INT PRIMARY KEY);
CREATE TABLE child (
    id INT PRIMARY KEY, parent INT,
    FOREIGN KEY (parent) REFERENCES parent (id)
    ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE queue (note VARCHAR(40));

START TRANSACTION;
INSERT INTO queue VALUES ('before CREATE TRIGGER');
CREATE TRIGGER child_update AFTER UPDATE ON child
    FOR EACH ROW INSERT INTO queue VALUES ('update');
ROLLBACK;
SELECT note AS 'rolled back, and there' FROM queue;

CREATE TRIGGER child_delete AFTER DELETE ON child
    FOR EACH ROW INSERT INTO queue VALUES ('delete');
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1), (2, 2), (3, NULL);
DELETE FROM queue;
UPDATE parent SET id = 10 WHERE id = 1;
DELETE FROM parent WHERE id = 2;
SELECT * FROM child;
SELECT count(*) AS 'cascades that were noted' FROM queue;

SELECT TABLE_ID FROM information_schema.INNODB_SYS_TABLES
    WHERE NAME = 'gset_trial/child';
SELECT CREATE_TIME INTO @before FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = 'gset_trial' AND TABLE_NAME = 'child';
DO SLEEP(2);
TRUNCATE child;
SELECT count(*) AS 'TRUNCATE that was noted' FROM queue;
SELECT CREATE_TIME = @before AS 'time is as before'
    FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = 'gset_trial' AND TABLE_NAME = 'child';
SELECT TABLE_ID AS 'another TABLE_ID'
    FROM information_schema.INNODB_SYS_TABLES
    WHERE NAME = 'gset_trial/child';

SET foreign_key_checks = 0;
INSERT INTO child VALUES (4, 99);
SET foreign_key_checks = 1;
SELECT id AS 'child without a parent' FROM child;

SHOW VARIABLES LIKE '%trigger%';

-- The errors of a user who has all privileges of the database: 1227, and 1419
-- where there is a binary log.
CREATE USER gset_trial;
GRANT ALL ON gset_trial.* TO gset_trial;
CREATE DEFINER = gset_trial PROCEDURE look() SQL SECURITY DEFINER
    SELECT TABLE_ID FROM information_schema.INNODB_SYS_TABLES LIMIT 1;
CALL look();
\! mariadb -u gset_trial gset_trial -e 'CREATE TRIGGER child_insert AFTER INSERT ON child FOR EACH ROW INSERT INTO queue VALUES (1)'

DROP USER gset_trial;
DROP DATABASE gset_trial;
